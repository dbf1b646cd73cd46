// SPDX-License-Identifier: ISC

#include "guest.h"

const struct device *device_of(uint64_t handle) {
  return handle < boot->manifest->entries ? &boot->manifest->devices[handle] : 0;
}

uint64_t device_handle(const char *name, enum device_type type) {
  for (uint64_t handle = 1; handle < boot->manifest->entries; handle++) {
    const struct device *device = device_of(handle);
    if (device->type == type && device->attached && equal(device->name, name)) return handle;
  }
  return 0;
}

static bool whole_block(uint64_t handle, uint64_t offset, uint64_t length) {
  const struct device *device = device_of(handle);
  return device && device->type == BLOCK_BASIC && length == device->block.block_size && offset % length == 0;
}

enum hvt_result block_write(uint64_t handle, uint64_t offset, const void *data, uint64_t length) {
  return whole_block(handle, offset, length) ? hvt_block_write(handle, offset, data, length) : HVT_EINVAL;
}

enum hvt_result block_read(uint64_t handle, uint64_t offset, void *buffer, uint64_t length) {
  return whole_block(handle, offset, length) ? hvt_block_read(handle, offset, buffer, length) : HVT_EINVAL;
}
