// SPDX-License-Identifier: ISC

// Execution of data.
#include "guest.h"

static volatile uint8_t code[] = {0xc3};

int main(const char *arguments) {
  (void)arguments;
  ((void (*)(void))code)();
  return failure("executed data");
}
