// SPDX-License-Identifier: ISC

// HLT instead of the HALT hypercall.
#include "guest.h"

int main(const char *arguments) {
  (void)arguments;
  __asm__ volatile("hlt");
  return failure("resumed after HLT");
}
