// SPDX-License-Identifier: ISC

// garbagecr3 [VALUE]: page tables outside memory.
#include "guest.h"

int main(const char *arguments) {
  __asm__ volatile("mov %0, %%cr3" : : "r"(next_number(&arguments, 0xdeadb000)) : "memory");
  return failure("went on with garbage in CR3");
}
