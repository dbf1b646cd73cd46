// SPDX-License-Identifier: ISC

// .data has its initial values and is writable, .bss is zero.
#include "guest.h"

static volatile uint64_t data[3] = {1, 0x123456789abcdef0, -1};
static volatile uint64_t bss[1024];

int main(const char *arguments) {
  (void)arguments;
  if (data[0] != 1 || data[1] != 0x123456789abcdef0 || data[2] != (uint64_t)-1) return failure("initial data");
  for (int i = 0; i < 1024; i++) {
    if (bss[i]) return failure("initial bss");
  }
  data[1] = 42;
  bss[1023] = 43;
  return data[1] == 42 && bss[1023] == 43 ? success() : failure("stored values");
}
