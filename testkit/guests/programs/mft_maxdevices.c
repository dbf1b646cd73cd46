// SPDX-License-Identifier: ISC

// 63 block devices, as many as a manifest can have. Handles must not be mixed up.
#include "guest.h"

#define TEN(TENS)                                                                                            \
  BLOCK("storage" TENS "0"), BLOCK("storage" TENS "1"), BLOCK("storage" TENS "2"), BLOCK("storage" TENS "3"), \
      BLOCK("storage" TENS "4"), BLOCK("storage" TENS "5"), BLOCK("storage" TENS "6"),                       \
      BLOCK("storage" TENS "7"), BLOCK("storage" TENS "8"), BLOCK("storage" TENS "9")

MANIFEST(TEN(""), TEN("1"), TEN("2"), TEN("3"), TEN("4"), TEN("5"), BLOCK("storage60"), BLOCK("storage61"),
         BLOCK("storage62"));

static uint64_t block[32768 / 8];

int main(const char *arguments) {
  (void)arguments;
  if (boot->manifest->entries != 64) return failure("number of entries");
  for (uint64_t handle = 1; handle < 64; handle++) {
    const struct device *device = device_of(handle);
    if (device->type != BLOCK_BASIC || !device->attached || device_handle(device->name, BLOCK_BASIC) != handle) {
      return failure(device->name);
    }
    block[0] = handle;
    if (block_write(handle, 0, block, device->block.block_size) != HVT_OK) return failure("write");
  }
  for (uint64_t handle = 1; handle < 64; handle++) {
    if (block_read(handle, 0, block, device_of(handle)->block.block_size) != HVT_OK) return failure("read");
    if (block[0] != handle) return failure("a block of another device");
  }
  return success();
}
