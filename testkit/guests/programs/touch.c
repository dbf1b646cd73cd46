// SPDX-License-Identifier: ISC

// touch [MIB]: writes to each page of the heap, or of its first MIB mebibytes, after looking that it is zero.
#include "guest.h"

#define STACK 65536

int main(const char *arguments) {
  char *end = (char *)(boot->memory_size - STACK);
  uint64_t room = end - heap_start;
  uint64_t length = next_number(&arguments, room >> 20) << 20;
  if (length > room) return failure("memory is too small");
  for (char *page = heap_start; page < heap_start + length; page += 4096) {
    volatile uint64_t *words = (volatile uint64_t *)page;
    if (words[0] || words[511]) return failure("memory is not zero");
    words[0] = words[511] = (uint64_t)page;
  }
  print("touched %lu bytes at 0x%lx\n", length, (uint64_t)heap_start);
  return success();
}
