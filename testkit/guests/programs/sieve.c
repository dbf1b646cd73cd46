// SPDX-License-Identifier: ISC

// sieve [LIMIT]: counts the primes below LIMIT with one byte of heap for each number.
#include "guest.h"

int main(const char *arguments) {
  uint64_t limit = next_number(&arguments, 100000);
  if (heap_start + limit > (char *)boot->memory_size - 65536) return failure("memory is too small");
  uint64_t before = monotonic();
  uint8_t *composite = (uint8_t *)heap_start;
  uint64_t primes = 0;
  for (uint64_t n = 2; n < limit; n++) {
    if (composite[n]) continue;
    primes++;
    for (uint64_t multiple = n * n; multiple < limit; multiple += n) composite[multiple] = 1;
  }
  uint64_t elapsed = monotonic() - before;
  print("%lu primes below %lu\n%lu ns\n", primes, limit, elapsed);
  return success();
}
