// SPDX-License-Identifier: ISC

// The stack protector notices an overflow. A NUL byte follows its message.
#include "guest.h"

uintptr_t __stack_chk_guard = 0x00a1b2c3d4e5f607;

_Noreturn void __stack_chk_fail(void) {
  static const char message[] = "stack overflow detected\nABORT\n";
  hvt_puts(message, sizeof message);
  hvt_halt(ABORT_STATUS, 0);
}

__attribute__((noinline)) static void overflow(size_t length) {
  volatile char buffer[16];
  volatile char *at = buffer;
  for (size_t i = 0; i < length; i++) at[i] = 'x';
}

int main(const char *arguments) {
  overflow(24 + strlen(arguments));
  return failure("the overflow went unnoticed");
}
