// SPDX-License-Identifier: ISC

// Boot, console and the command line, which must be exactly Hello_Solo5.
#include "guest.h"

int main(const char *arguments) {
  print("Hello, World\nCommand line is: '%s'\n", arguments);
  return equal(arguments, "Hello_Solo5") ? success() : failure("expected Hello_Solo5");
}
