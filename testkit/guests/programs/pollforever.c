// SPDX-License-Identifier: ISC

// Waits for ever: only the monitor can stop it.
#include "guest.h"

int main(const char *arguments) {
  (void)arguments;
  print("polling\n");
  for (;;) hvt_poll(-1);
}
