// SPDX-License-Identifier: ISC

// FS base starts at 0, so a stray access to thread-local storage meets page 0.
#include "guest.h"

int main(const char *arguments) {
  (void)arguments;
  uint64_t value;
  __asm__ volatile("mov %%fs:0x28, %0" : "=r"(value));
  print("read 0x%lx\n", value);
  return failure("read through FS");
}
