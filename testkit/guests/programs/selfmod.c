// SPDX-License-Identifier: ISC

// Code in the heap, which is writable and executable, rewritten between calls and ahead of itself.
#include "guest.h"

#define ROUNDS 1000

int main(const char *arguments) {
  (void)arguments;
  uint8_t *code = (uint8_t *)heap_start;
  uint32_t (*function)(void) = (uint32_t(*)(void))code;

  // mov $0, %eax; ret
  memcpy(code, "\xb8\0\0\0\0\xc3", 6);
  for (uint32_t round = 0; round < ROUNDS; round++) {
    *(volatile uint32_t *)(code + 1) = round;
    if (function() != round) return failure("old code ran after a change");
  }

  // movl $7, 1(%rip); mov $0, %eax; ret: the first instruction changes the second one's constant
  memcpy(code, "\xc7\x05\x01\0\0\0\x07\0\0\0\xb8\0\0\0\0\xc3", 16);
  if (function() != 7) return failure("an instruction did not see the change just before it");

  // The same across a page boundary, with the constant on the second page.
  memcpy(code + 4096 - 11, "\xc7\x05\x01\0\0\0\x09\0\0\0\xb8\0\0\0\0\xc3", 16);
  function = (uint32_t(*)(void))(code + 4096 - 11);
  return function() == 9 ? success() : failure("a change on the next page");
}
