// SPDX-License-Identifier: ISC

// One console write of 4 KiB.
#include "guest.h"

static char text[4096];

int main(const char *arguments) {
  (void)arguments;
  memset(text, 'x', sizeof text);
  text[sizeof text - 1] = '\n';
  hvt_puts(text, sizeof text);
  return success();
}
