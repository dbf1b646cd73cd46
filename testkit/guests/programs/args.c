// SPDX-License-Identifier: ISC

// Echoes the command line with its length and CRC-32.
#include "guest.h"

int main(const char *arguments) {
  size_t length = strlen(arguments);
  print("length %lu crc32 0x%08x\n", length, crc32(arguments, length));
  hvt_puts(arguments, length);
  print("\n");
  return success();
}
