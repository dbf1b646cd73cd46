// SPDX-License-Identifier: ISC

// What the testkit's compute programs use of their guest library, for a process of the host: the same source makes the
// program to compare with.
#pragma once
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static inline uint64_t next_number(const char **rest, uint64_t fallback) {
  char *end;
  uint64_t number = strtoull(*rest, &end, 0);
  if (end == *rest) return fallback;
  *rest = end;
  return number;
}

static inline uint64_t monotonic(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

#define print printf

static inline int success(void) {
  puts("SUCCESS");
  return 0;
}

static inline int failure(const char *reason) {
  printf("FAILURE: %s\n", reason);
  return 1;
}

// The program's main takes its words in one piece.
static int guest_main(const char *arguments);

int main(int count, char **words) {
  return guest_main(count > 1 ? words[1] : "");
}

#define main guest_main
