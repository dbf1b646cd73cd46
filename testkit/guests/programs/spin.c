// SPDX-License-Identifier: ISC

// An endless loop without an exit: only the monitor can stop it.
#include "guest.h"

int main(const char *arguments) {
  (void)arguments;
  print("spinning\n");
  for (;;) __asm__ volatile("");
}
