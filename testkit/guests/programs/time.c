// SPDX-License-Identifier: ISC

// The monotonic clock advances, sleeps take their time, the wall clock is plausible.
#include "guest.h"

#define YEAR_2017 (1483228800 * SECOND)

int main(const char *arguments) {
  (void)arguments;
  uint64_t start = monotonic();
  for (int i = 0; i < 1000; i++) __asm__ volatile("pause");
  if (monotonic() <= start) return failure("the monotonic clock stands still");

  sleep_until(start);
  hvt_poll(0);

  // A busy host lets a guest sleep too long now and then, but not each time.
  for (int i = 0, late = 0; i < 2; i++) {
    uint64_t before = monotonic();
    sleep_until(before + SECOND);
    uint64_t slept = monotonic() - before;
    print("slept %lu ns\n", slept);
    if (slept < 800 * MILLISECOND) return failure("slept too little");
    if (slept > 1200 * MILLISECOND) {
      if (++late > 5) return failure("slept too much");
      i--;
    }
  }

  uint64_t wall = hvt_walltime();
  print("wall clock %lu ns\n", wall);
  return wall >= YEAR_2017 ? success() : failure("the wall clock is before 2017");
}
