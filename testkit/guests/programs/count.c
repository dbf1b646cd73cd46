// SPDX-License-Identifier: ISC

// count [LINES [STEPS]]: prints a line after each STEPS iterations; 0 lines means for ever.
#include "guest.h"

int main(const char *arguments) {
  uint64_t lines = next_number(&arguments, 0);
  uint64_t steps = next_number(&arguments, 100000);
  for (uint64_t line = 1; !lines || line <= lines; line++) {
    for (uint64_t step = 0; step < steps; step++) __asm__ volatile("");
    print("count %lu\n", line);
  }
  return success();
}
