// SPDX-License-Identifier: ISC

// Every byte value once, in order, in one console write: the console passes bytes through.
#include "guest.h"

int main(const char *arguments) {
  (void)arguments;
  uint8_t bytes[256];
  for (int i = 0; i < 256; i++) bytes[i] = i;
  hvt_puts(bytes, sizeof bytes);
  return 0;
}
