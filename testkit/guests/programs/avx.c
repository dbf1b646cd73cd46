// SPDX-License-Identifier: ISC

// An AVX instruction, which the software CPU does not support: #UD, which the library reports.
#include "guest.h"

int main(const char *arguments) {
  (void)arguments;
  __asm__ volatile(".byte 0xc5, 0xfc, 0x58, 0xc1"); // vaddps %ymm1, %ymm0, %ymm0
  return failure("AVX is there");
}
