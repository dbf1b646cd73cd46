// SPDX-License-Identifier: ISC

// The block device "storage", checked as the Solo5 test suite does. The status names the step that failed.
#include "guest.h"

MANIFEST(BLOCK("storage"));

static uint64_t storage, block_size;
static uint8_t written[32768], found[32768 + 1];

static bool round_trip(uint64_t offset) {
  for (uint64_t i = 0; i < block_size; i++) written[i] = "0123456789abcdef"[(i + offset / block_size) % 16];
  memset(found, 0, block_size);
  return block_write(storage, offset, written, block_size) == HVT_OK &&
         block_read(storage, offset, found, block_size) == HVT_OK && !memcmp(written, found, block_size);
}

static int refused(int step, enum hvt_result result) {
  if (result != HVT_OK) return 0;
  failure("a bad transfer was accepted");
  return step;
}

int main(const char *arguments) {
  (void)arguments;
  storage = device_handle("storage", BLOCK_BASIC);
  if (!storage) return failure("no device storage"), 99;
  uint64_t capacity = device_of(storage)->block.capacity;
  block_size = device_of(storage)->block.block_size;
  print("capacity %lu block size %lu\n", capacity, block_size);

  for (uint64_t offset = 0; offset < capacity; offset += 10 * block_size) {
    if (!round_trip(offset)) return failure("block"), 1;
  }
  if (!round_trip(capacity - block_size)) return failure("last block"), 2;

  int bad = refused(3, block_write(storage, capacity, written, block_size));
  if (!bad) bad = refused(4, block_read(storage, capacity, found, block_size));
  if (!bad) bad = refused(5, block_write(storage, 0, written, block_size - 1));
  if (!bad) bad = refused(6, block_read(storage, 0, found, block_size - 1));
  if (!bad) bad = refused(7, block_write(storage, 0, written, block_size + 1));
  if (!bad) bad = refused(8, block_read(storage, 0, found, block_size + 1));
  if (!bad) bad = refused(9, block_write(storage, block_size - 1, written, block_size));
  if (!bad) bad = refused(10, block_read(storage, block_size - 1, found, block_size));
  return bad ? bad : success();
}
