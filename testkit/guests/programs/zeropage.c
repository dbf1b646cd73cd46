// SPDX-License-Identifier: ISC

// Page 0 is unmapped.
#include "guest.h"

int main(const char *arguments) {
  (void)arguments;
  uintptr_t address = 8;
  __asm__("" : "+r"(address));
  *(volatile int *)address = 1;
  return failure("stored to page 0");
}
