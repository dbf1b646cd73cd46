// SPDX-License-Identifier: ISC

// SSE works from the first instruction: aligned 128-bit moves, a packed multiplication, scalar comparisons.
#include "guest.h"

typedef float vector __attribute__((vector_size(16)));

int main(const char *arguments) {
  (void)arguments;
  volatile vector left = {1.5f, 2.5f, 3.5f, 4.5f};
  volatile vector right = {2, 4, 6, 8};
  vector product = left * right;
  return product[0] == 3 && product[1] == 10 && product[2] == 21 && product[3] == 36 ? success()
                                                                                     : failure("wrong product");
}
