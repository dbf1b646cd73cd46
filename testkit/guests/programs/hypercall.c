// SPDX-License-Identifier: ISC

// Whatever the command line says, for hostile tests. Commands are separated by ";" words:
//
//   out PORT WIDTH VALUE            writes to a port; for a well-formed call VALUE is the argument block's address
//   in PORT WIDTH                   reads from a port
//   outs PORT WIDTH COUNT           string output, COUNT items of the buffer
//   ins PORT WIDTH COUNT            string input into the buffer
//   call NUMBER WORD...             a hypercall whose argument block holds the 64-bit words
//   at ADDRESS call NUMBER WORD...  the same with the argument block at ADDRESS
//
// A number is decimal, hexadecimal, or one of the names below, with +N or -N behind it if need be.
#include "guest.h"

#define BLOCK_WORDS 8

static uint64_t block[BLOCK_WORDS];
static char buffer[8192];
static char data[16] = "data";

static const struct {
  const char *name;
  const void *address;
} names[] = {{"text", main}, {"rodata", names}, {"data", data}, {"buffer", buffer}, {"block", block}, {"heap", heap_start}};

static uint64_t name_value(struct word word) {
  uint64_t number;
  if (word_number(word, &number)) return number;
  if (word_is(word, "end")) return boot->memory_size;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (word_is(word, names[i].name)) return (uint64_t)names[i].address;
  }
  abort_with("expected a number, end, text, rodata, data, buffer, block or heap");
}

static uint64_t value(struct word word) {
  for (size_t i = 1; i < word.length; i++) {
    char sign = word.start[i];
    if (sign != '+' && sign != '-') continue;
    uint64_t base = name_value((struct word){word.start, i});
    uint64_t offset = name_value((struct word){word.start + i + 1, word.length - i - 1});
    return sign == '+' ? base + offset : base - offset;
  }
  return name_value(word);
}

static uint64_t next_value(const char **rest) { return value(next_word(rest)); }

static void port(struct word command, const char **rest) {
  uint16_t port = next_value(rest);
  uint64_t width = next_value(rest);
  if (width != 1 && width != 2 && width != 4) abort_with("the width is 1, 2 or 4");
  uint32_t number = word_is(command, "in") ? 0 : next_value(rest);
  uint64_t count = number;
  void *at = buffer;
  if (word_is(command, "out")) {
    if (width == 1) __asm__ volatile("outb %b0, %w1" : : "a"(number), "d"(port) : "memory");
    if (width == 2) __asm__ volatile("outw %w0, %w1" : : "a"(number), "d"(port) : "memory");
    if (width == 4) __asm__ volatile("outl %0, %w1" : : "a"(number), "d"(port) : "memory");
  } else if (word_is(command, "in")) {
    if (width == 1) __asm__ volatile("inb %w1, %b0" : "+a"(number) : "d"(port) : "memory");
    if (width == 2) __asm__ volatile("inw %w1, %w0" : "+a"(number) : "d"(port) : "memory");
    if (width == 4) __asm__ volatile("inl %w1, %0" : "+a"(number) : "d"(port) : "memory");
  } else if (word_is(command, "outs")) {
    if (width == 1) __asm__ volatile("rep outsb" : "+S"(at), "+c"(count) : "d"(port) : "memory");
    if (width == 2) __asm__ volatile("rep outsw" : "+S"(at), "+c"(count) : "d"(port) : "memory");
    if (width == 4) __asm__ volatile("rep outsl" : "+S"(at), "+c"(count) : "d"(port) : "memory");
  } else {
    if (width == 1) __asm__ volatile("rep insb" : "+D"(at), "+c"(count) : "d"(port) : "memory");
    if (width == 2) __asm__ volatile("rep insw" : "+D"(at), "+c"(count) : "d"(port) : "memory");
    if (width == 4) __asm__ volatile("rep insl" : "+D"(at), "+c"(count) : "d"(port) : "memory");
  }
  print("port 0x%x went on with 0x%x\n", port, number);
}

static void call(uint64_t *at, const char **rest) {
  uint64_t number = next_value(rest);
  uint64_t words = 0;
  while (words < BLOCK_WORDS) {
    struct word word = next_word(rest);
    if (!word.length || word_is(word, ";")) break;
    at[words++] = value(word);
  }
  __asm__ volatile("outl %0, %w1" : : "a"((uint32_t)(uintptr_t)at), "d"((uint16_t)(HVT_PORT + number)) : "memory");
  print("call %lu went on with", number);
  for (uint64_t i = 0; i < words; i++) print(" 0x%lx", at[i]);
  print("\n");
}

int main(const char *arguments) {
  for (;;) {
    struct word command = next_word(&arguments);
    if (!command.length) return success();
    if (word_is(command, ";")) continue;
    uint64_t *at = block;
    if (word_is(command, "at")) {
      at = (uint64_t *)next_value(&arguments);
      command = next_word(&arguments);
    }
    if (word_is(command, "call")) {
      call(at, &arguments);
    } else if (word_is(command, "out") || word_is(command, "in") || word_is(command, "outs") ||
               word_is(command, "ins")) {
      port(command, &arguments);
    } else {
      abort_with("expected out, in, outs, ins, call or at");
    }
  }
}
