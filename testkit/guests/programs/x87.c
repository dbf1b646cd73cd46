// SPDX-License-Identifier: ISC

// The x87 unit: control word at start, arithmetic with 64-bit mantissas, square root, rounding.
#include "guest.h"

int main(const char *arguments) {
  (void)arguments;
  uint16_t control;
  __asm__ volatile("fnstcw %0" : "=m"(control));
  print("control word 0x%x\n", control);
  if ((control & 0x3f) != 0x3f) return failure("exceptions are not masked");
  __asm__ volatile("fninit");

  int64_t result;
  uint64_t big = 0x7fffffffffffffff;
  __asm__ volatile("fildll %1; fld1; fsubrp; fistpll %0" : "=m"(result) : "m"(big));
  print("2^63 - 2 is 0x%lx\n", result);
  if (result != 0x7ffffffffffffffe) return failure("64-bit mantissa");

  uint64_t two = 2, scale = 1000000000000;
  __asm__ volatile("fildll %1; fsqrt; fildll %2; fmulp; fistpll %0" : "=m"(result) : "m"(two), "m"(scale));
  print("sqrt(2) * 10^12 is %lu\n", result);
  if (result != 1414213562373) return failure("square root");

  __asm__ volatile("fldpi; fildll %1; fmulp; fistpll %0" : "=m"(result) : "m"(scale));
  print("pi * 10^12 is %lu\n", result);
  return result == 3141592653590 ? success() : failure("pi");
}
