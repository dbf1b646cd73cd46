// SPDX-License-Identifier: ISC

// A store to an unmapped address is a page fault in the guest.
#include "guest.h"

int main(const char *arguments) {
  (void)arguments;
  *(volatile int *)(1ull << 34) = 1;
  return failure("stored to 16 GiB");
}
