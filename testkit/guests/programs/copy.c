// SPDX-License-Identifier: ISC

// copy [HOW [BYTES [ROUNDS]]]: copies memory by bytes, words, movsb or movsq, and checks the copy.
#include "guest.h"

static void copy_bytes(uint8_t *target, const uint8_t *source, uint64_t length) {
  for (uint64_t i = 0; i < length; i++) target[i] = source[i];
}

static void copy_words(uint64_t *target, const uint64_t *source, uint64_t words) {
  for (uint64_t i = 0; i < words; i++) target[i] = source[i];
}

static void movsb(void *target, const void *source, uint64_t length) {
  __asm__ volatile("rep movsb" : "+D"(target), "+S"(source), "+c"(length) : : "memory");
}

static void movsq(void *target, const void *source, uint64_t words) {
  __asm__ volatile("rep movsq" : "+D"(target), "+S"(source), "+c"(words) : : "memory");
}

int main(const char *arguments) {
  struct word how = next_word(&arguments);
  uint64_t length = next_number(&arguments, 65536) & -8;
  uint64_t rounds = next_number(&arguments, 1);
  uint64_t *source = (uint64_t *)heap_start;
  uint64_t *target = source + length / 8;
  if ((uint64_t)(target + length / 8) > boot->memory_size - 65536) return failure("memory is too small");
  for (uint64_t i = 0; i < length / 8; i++) source[i] = i * 0x9e3779b97f4a7c15;

  uint64_t before = monotonic();
  for (uint64_t round = 0; round < rounds; round++) {
    if (!how.length || word_is(how, "movsb")) {
      movsb(target, source, length);
    } else if (word_is(how, "movsq")) {
      movsq(target, source, length / 8);
    } else if (word_is(how, "words")) {
      copy_words(target, source, length / 8);
    } else if (word_is(how, "bytes")) {
      copy_bytes((uint8_t *)target, (const uint8_t *)source, length);
    } else {
      return failure("expected bytes, words, movsb or movsq");
    }
    __asm__ volatile("" : : : "memory");
  }
  uint64_t elapsed = monotonic() - before;
  print("%lu bytes in %lu ns\n", length * rounds, elapsed);
  for (uint64_t i = 0; i < length / 8; i++) {
    if (target[i] != i * 0x9e3779b97f4a7c15) return failure("the copy differs");
  }
  return success();
}
