// SPDX-License-Identifier: ISC

// A read of text as data.
#include "guest.h"

int main(const char *arguments) {
  (void)arguments;
  print("first byte of main: 0x%02x\n", *(volatile uint8_t *)main);
  return failure("read text");
}
