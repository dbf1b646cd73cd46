// SPDX-License-Identifier: ISC

// RDRAND and RDSEED deliver numbers that differ.
#include "guest.h"

#define TRIES 10

static bool rdrand(uint64_t *number) {
  bool ok;
  __asm__ volatile("rdrand %0" : "=r"(*number), "=@ccc"(ok));
  return ok;
}

static bool rdseed(uint64_t *number) {
  bool ok;
  __asm__ volatile("rdseed %0" : "=r"(*number), "=@ccc"(ok));
  return ok;
}

static bool differ(const char *name, bool (*next)(uint64_t *)) {
  uint64_t numbers[4];
  for (int i = 0; i < 4; i++) {
    int tries = TRIES;
    while (!next(&numbers[i])) {
      if (!--tries) return false;
      __asm__ volatile("pause");
    }
    print("%s 0x%016lx\n", name, numbers[i]);
    for (int j = 0; j < i; j++) {
      if (numbers[i] == numbers[j]) return false;
    }
  }
  return true;
}

int main(const char *arguments) {
  (void)arguments;
  uint32_t eax = 1, ebx, ecx = 0, edx;
  __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
  if (!(ecx >> 30 & 1)) return failure("CPUID has no RDRAND");
  if (!differ("rdrand", rdrand)) return failure("RDRAND");
  eax = 7, ecx = 0;
  __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
  if (ebx >> 18 & 1 && !differ("rdseed", rdseed)) return failure("RDSEED");
  return success();
}
