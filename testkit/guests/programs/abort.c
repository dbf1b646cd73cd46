// SPDX-License-Identifier: ISC

// Ends with the abort status, without a trap and so without a cookie.
#include "guest.h"

int main(const char *arguments) {
  (void)arguments;
  abort_with("asked to");
}
