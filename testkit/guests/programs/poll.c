// SPDX-License-Identifier: ISC

// poll [NANOSECONDS [TIMES]]: POLL as a sleep, never shorter than asked for. Without arguments 0, 1 ns and 50 ms.
#include "guest.h"

// The clocks of guest and monitor may differ a little.
#define TOLERANCE 1000

static int wrong;

static void poll(uint64_t timeout) {
  uint64_t before = monotonic();
  struct hvt_poll result = hvt_poll(timeout);
  uint64_t elapsed = monotonic() - before;
  print("poll %lu ns took %lu ns ready %u ready_set 0x%lx\n", timeout, elapsed, result.ready, result.ready_set);
  if (elapsed < timeout - timeout / TOLERANCE || result.ready || result.ready_set) wrong++;
}

int main(const char *arguments) {
  if (*arguments) {
    uint64_t timeout = next_number(&arguments, 0);
    for (uint64_t times = next_number(&arguments, 1); times; times--) poll(timeout);
  } else {
    poll(0);
    poll(1);
    poll(50 * MILLISECOND);
  }
  return wrong ? failure("a poll was too short or found a device") : success();
}
