// SPDX-License-Identifier: ISC

// storm [CALLS]: as many of the cheapest hypercall as one can make, a million by default.
#include "guest.h"

int main(const char *arguments) {
  uint64_t calls = next_number(&arguments, 1000000);
  uint64_t before = monotonic();
  for (uint64_t i = 0; i < calls; i++) hvt_walltime();
  uint64_t elapsed = monotonic() - before;
  print("%lu calls in %lu ns\n", calls, elapsed);
  return success();
}
