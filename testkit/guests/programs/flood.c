// SPDX-License-Identifier: ISC

// flood [LINES]: numbered lines of 4 KiB as fast as the console takes them; for ever by default.
#include "guest.h"

static char line[4096];

int main(const char *arguments) {
  uint64_t lines = next_number(&arguments, -1);
  memset(line, '.', sizeof line);
  line[sizeof line - 1] = '\n';
  for (uint64_t number = 0; number < lines; number++) {
    uint64_t rest = number;
    for (int digit = 9; digit >= 0; digit--, rest /= 10) line[digit] = '0' + rest % 10;
    hvt_puts(line, sizeof line);
  }
  return success();
}
