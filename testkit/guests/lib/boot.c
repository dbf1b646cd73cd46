// SPDX-License-Identifier: ISC

#include "guest.h"

const struct boot_info *boot;

_Noreturn void guest_main(const struct boot_info *info) {
  boot = info;
  traps_install();
  hvt_halt(main(info->command_line), 0);
}

int success(void) {
  print("SUCCESS\n");
  return 0;
}

int failure(const char *reason) {
  print("FAILURE: %s\n", reason);
  return 1;
}

_Noreturn void abort_with(const char *reason) {
  print("%s\nABORT\n", reason);
  hvt_halt(ABORT_STATUS, 0);
}
