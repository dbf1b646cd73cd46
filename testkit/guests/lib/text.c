// SPDX-License-Identifier: ISC

#include <stdarg.h>

#include "guest.h"

void *memcpy(void *target, const void *source, size_t length) {
  void *at = target;
  __asm__ volatile("rep movsb" : "+D"(at), "+S"(source), "+c"(length) : : "memory");
  return target;
}

void *memset(void *target, int value, size_t length) {
  void *at = target;
  __asm__ volatile("rep stosb" : "+D"(at), "+c"(length) : "a"(value) : "memory");
  return target;
}

int memcmp(const void *left, const void *right, size_t length) {
  const unsigned char *l = left, *r = right;
  for (size_t i = 0; i < length; i++) {
    if (l[i] != r[i]) return l[i] - r[i];
  }
  return 0;
}

size_t strlen(const char *text) {
  size_t length = 0;
  while (text[length]) length++;
  return length;
}

bool equal(const char *left, const char *right) {
  while (*left && *left == *right) left++, right++;
  return *left == *right;
}

struct word next_word(const char **rest) {
  while (**rest == ' ') (*rest)++;
  struct word word = {*rest, 0};
  while (**rest && **rest != ' ') (*rest)++;
  word.length = *rest - word.start;
  return word;
}

bool word_is(struct word word, const char *text) {
  return word.length == strlen(text) && !memcmp(word.start, text, word.length);
}

static int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 16;
}

bool word_number(struct word word, uint64_t *value) {
  const char *at = word.start, *end = at + word.length;
  bool negative = at < end && *at == '-';
  if (negative) at++;
  int base = 10;
  if (end - at > 2 && at[0] == '0' && at[1] == 'x') base = 16, at += 2;
  if (at == end) return false;
  uint64_t number = 0;
  for (; at < end; at++) {
    if (digit(*at) >= base) return false;
    number = number * base + digit(*at);
  }
  *value = negative ? -number : number;
  return true;
}

uint64_t next_number(const char **rest, uint64_t fallback) {
  struct word word = next_word(rest);
  if (word.length && !word_number(word, &fallback)) abort_with("an argument is no number");
  return fallback;
}

uint32_t crc32(const void *data, size_t length) {
  const uint8_t *bytes = data;
  uint32_t crc = -1;
  for (size_t i = 0; i < length; i++) {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc;
}

struct line {
  size_t length;
  char text[512];
};

static void put(struct line *line, const char *text, size_t length) {
  while (length) {
    size_t room = sizeof line->text - line->length;
    size_t part = length < room ? length : room;
    memcpy(line->text + line->length, text, part);
    text += part, length -= part, line->length += part;
    if (line->length == sizeof line->text) {
      hvt_puts(line->text, line->length);
      line->length = 0;
    }
  }
}

static void put_number(struct line *line, uint64_t number, unsigned base, size_t width, char fill) {
  char digits[20];
  size_t at = sizeof digits;
  do {
    digits[--at] = "0123456789abcdef"[number % base];
    number /= base;
  } while (number);
  while (sizeof digits - at < width && at > 0) digits[--at] = fill;
  put(line, digits + at, sizeof digits - at);
}

void print(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  struct line line;
  line.length = 0;
  for (; *format; format++) {
    if (*format != '%') {
      put(&line, format, 1);
      continue;
    }
    format++;
    char fill = *format == '0' ? '0' : ' ';
    size_t width = 0;
    for (; digit(*format) < 10; format++) width = 10 * width + digit(*format);
    bool wide = *format == 'l';
    if (wide) format++;
    switch (*format) {
      case 's': {
        const char *text = va_arg(arguments, const char *);
        put(&line, text, strlen(text));
        break;
      }
      case 'c': {
        char c = va_arg(arguments, int);
        put(&line, &c, 1);
        break;
      }
      case 'd': {
        int64_t number = wide ? va_arg(arguments, int64_t) : va_arg(arguments, int);
        if (number < 0) put(&line, "-", 1);
        put_number(&line, number < 0 ? -(uint64_t)number : (uint64_t)number, 10, width, fill);
        break;
      }
      case 'u':
      case 'x': {
        uint64_t number = wide ? va_arg(arguments, uint64_t) : va_arg(arguments, unsigned);
        put_number(&line, number, *format == 'x' ? 16 : 10, width, fill);
        break;
      }
      default:
        put(&line, format, 1);
    }
  }
  va_end(arguments);
  if (line.length) hvt_puts(line.text, line.length);
}
