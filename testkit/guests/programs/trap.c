// SPDX-License-Identifier: ISC

// trap KIND: raises an exception of that kind, which ends the guest with status 255.
#include "guest.h"

int main(const char *arguments) {
  struct word kind = next_word(&arguments);
  if (word_is(kind, "de")) __asm__ volatile("div %b0" : : "a"(0));
  if (word_is(kind, "bp")) __asm__ volatile("int3");
  if (word_is(kind, "ud")) __asm__ volatile("ud2");
  if (word_is(kind, "gp")) *(volatile char *)(1ull << 63) = 0;
  if (word_is(kind, "ss")) __asm__ volatile("mov %0, %%rbp; mov %%al, (%%rbp)" : : "r"(1ull << 63) : "rbp");
  if (word_is(kind, "int")) __asm__ volatile("int $0x20");
  if (word_is(kind, "pf")) *(volatile char *)(1ull << 46) = 0;
  if (word_is(kind, "db")) __asm__ volatile("pushf; orl $0x100, (%rsp); popf; nop");
  return failure("expected de, bp, ud, gp, ss, int, pf or db");
}
