// SPDX-License-Identifier: ISC

// Prints every CPUID leaf: function, index, eax, ebx, ecx, edx.
#include "guest.h"

struct leaf {
  uint32_t eax, ebx, ecx, edx;
};

static struct leaf cpuid(uint32_t function, uint32_t index) {
  struct leaf leaf;
  __asm__ volatile("cpuid"
                   : "=a"(leaf.eax), "=b"(leaf.ebx), "=c"(leaf.ecx), "=d"(leaf.edx)
                   : "a"(function), "c"(index));
  return leaf;
}

static uint32_t indexes(uint32_t function) {
  switch (function) {
    case 0x4:
    case 0x8000001d: return 8;
    case 0x7: return cpuid(7, 0).eax + 1;
    case 0xb:
    case 0x1f: return 3;
    case 0xd: return 32;
    default: return 1;
  }
}

static void dump(uint32_t first) {
  uint32_t last = cpuid(first, 0).eax;
  if (last < first) last = first;
  if (last > first + 0x100) last = first + 0x100;
  for (uint32_t function = first; function <= last; function++) {
    for (uint32_t index = 0; index < indexes(function) && index < 32; index++) {
      struct leaf leaf = cpuid(function, index);
      if (index && !(leaf.eax | leaf.ebx | leaf.ecx | leaf.edx)) continue;
      print("%08x %08x %08x %08x %08x %08x\n", function, index, leaf.eax, leaf.ebx, leaf.ecx, leaf.edx);
    }
  }
}

int main(const char *arguments) {
  (void)arguments;
  dump(0);
  dump(0x40000000);
  dump(0x80000000);
  return success();
}
