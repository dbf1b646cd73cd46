// SPDX-License-Identifier: ISC

// The kernels as a Solo5 hvt image. Argument: the scale (1).
#include "guest.h"
#include "kernels.h"

void write_line(const char *text, size_t length) { hvt_puts(text, length); }

int main(const char *arguments) {
  run_kernels(next_number(&arguments, 1));
  return 0;
}
