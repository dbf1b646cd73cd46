// SPDX-License-Identifier: ISC

// compute [STEPS]: an integer loop without memory accesses. The result depends on the number of steps only.
#include "guest.h"

int main(const char *arguments) {
  uint64_t steps = next_number(&arguments, 100000);
  uint64_t before = monotonic();
  uint64_t state = 0x9e3779b97f4a7c15;
  uint64_t sum = 0;
  for (uint64_t step = 0; step < steps; step++) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    sum += state * 0x2545f4914f6cdd1d;
  }
  uint64_t elapsed = monotonic() - before;
  print("result 0x%016lx\n%lu steps in %lu ns\n", sum, steps, elapsed);
  return success();
}
