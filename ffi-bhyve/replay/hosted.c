// SPDX-License-Identifier: ISC
//
// The replayer as a library, for tests: its system calls go to a function of the caller.

#include "system.h"

volatile int alarmed;

static i64 (*kernel)(u64, u64, u64, u64, u64, u64, u64);

// There are no signals here: the alarm is a number of requests.
static void ring(u64 number, u64 timer) {
  enum { REQUESTS = 20 };
  static u64 left;
  if (number == SYS_setitimer) {
    left = (((const u64 *)timer)[2] | ((const u64 *)timer)[3]) != 0 ? REQUESTS : 0;
  } else if (number == SYS_ioctl && left != 0 && --left == 0) {
    alarmed = 1;
  }
}

i64 system_call(u64 number, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f) {
  ring(number, b);
  return kernel(number, a, b, c, d, e, f);
}

__attribute__((visibility("default"))) int replay_on(i64 (*calls)(u64, u64, u64, u64, u64, u64, u64), const u8 *bytes,
                                                     u64 byte_size) {
  kernel = calls;
  replay(bytes, byte_size);
  return finish();
}
