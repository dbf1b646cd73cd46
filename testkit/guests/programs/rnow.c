// SPDX-License-Identifier: ISC

// A write to read-only data.
#include "guest.h"

static const uint8_t constant = 1;

int main(const char *arguments) {
  (void)arguments;
  *(volatile uint8_t *)&constant = 0;
  return failure("wrote to read-only data");
}
