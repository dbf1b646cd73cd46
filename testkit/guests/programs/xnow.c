// SPDX-License-Identifier: ISC

// A write to text.
#include "guest.h"

int main(const char *arguments) {
  (void)arguments;
  *(volatile uint8_t *)main = 0;
  return failure("wrote to text");
}
