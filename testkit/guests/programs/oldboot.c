// SPDX-License-Identifier: ISC

// A guest from the time when boot info had 40 bytes: it looks at no more, and finds the manifest by its pointer.
#include "guest.h"

struct old_boot_info {
  uint64_t memory_size, kernel_end, tsc_frequency;
  const char *command_line;
  const struct manifest *manifest;
};

int main(const char *arguments) {
  (void)arguments;
  struct old_boot_info old = *(const struct old_boot_info *)boot;
  print("memory_size 0x%lx command_line '%s'\n", old.memory_size, old.command_line);
  if (old.manifest->version != 1 || old.manifest->entries != 1) return failure("manifest");
  if (old.manifest->devices[0].type != RESERVED_FIRST) return failure("first entry");
  return old.tsc_frequency ? success() : failure("TSC frequency");
}
