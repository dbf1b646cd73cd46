// SPDX-License-Identifier: ISC

// Execution of read-only data.
#include "guest.h"

static const uint8_t code[] = {0xc3};

int main(const char *arguments) {
  (void)arguments;
  ((void (*)(void))code)();
  return failure("executed read-only data");
}
