// SPDX-License-Identifier: ISC

// An option behind the image belongs to the guest.
#include "guest.h"

int main(const char *arguments) {
  return equal(arguments, "--solo5:quiet") ? success() : failure("expected --solo5:quiet");
}
