// SPDX-License-Identifier: ISC

#include "guest.h"

uint64_t monotonic(void) {
  static uint64_t nanoseconds_per_tick;  // times 2^32
  if (!nanoseconds_per_tick) nanoseconds_per_tick = (SECOND << 32) / boot->tsc_frequency;
  return (unsigned __int128)tsc() * nanoseconds_per_tick >> 32;
}

void sleep_until(uint64_t moment) {
  uint64_t now = monotonic();
  if (moment > now) hvt_poll(moment - now);
}
