// SPDX-License-Identifier: ISC

// Block transfers at hypercall level: no alignment is asked for, length 0 succeeds, every other edge is EINVAL.
#include "guest.h"

MANIFEST(BLOCK("storage"));

static uint8_t pattern[1024], found[1024];
static int wrong;

static void expect(enum hvt_result expected, const char *what, enum hvt_result result) {
  print("%s: %u\n", what, result);
  if (result != expected) wrong++, print("  expected %u\n", expected);
}

int main(const char *arguments) {
  (void)arguments;
  uint64_t capacity = device_of(1)->block.capacity;
  for (int i = 0; i < 1024; i++) pattern[i] = i * 7 + i / 256;

  expect(HVT_OK, "write two blocks", hvt_block_write(1, 0, pattern, 1024));
  expect(HVT_OK, "read 3 bytes at 1", hvt_block_read(1, 1, found, 3));
  if (memcmp(found, pattern + 1, 3) || found[3]) return failure("bytes of an unaligned read");
  expect(HVT_OK, "write 7 bytes at 509", hvt_block_write(1, 509, "unalign", 7));
  expect(HVT_OK, "read it back in 512", hvt_block_read(1, 508, found, 512));
  memcpy(pattern + 509, "unalign", 7);
  if (memcmp(found, pattern + 508, 512)) return failure("bytes around an unaligned write");

  expect(HVT_OK, "read nothing at 0", hvt_block_read(1, 0, found, 0));
  expect(HVT_OK, "write nothing at 5", hvt_block_write(1, 5, found, 0));
  expect(HVT_OK, "read the last byte", hvt_block_read(1, capacity - 1, found, 1));
  expect(HVT_EINVAL, "read nothing at capacity", hvt_block_read(1, capacity, found, 0));
  expect(HVT_EINVAL, "read a byte at capacity", hvt_block_read(1, capacity, found, 1));
  expect(HVT_EINVAL, "write a byte at capacity", hvt_block_write(1, capacity, found, 1));
  expect(HVT_EINVAL, "read over the end", hvt_block_read(1, capacity - 1, found, 2));
  expect(HVT_EINVAL, "write over the end", hvt_block_write(1, capacity - 1, found, 2));
  expect(HVT_EINVAL, "read at 2^64 - 1", hvt_block_read(1, -1, found, 1));
  expect(HVT_EINVAL, "read at 2^63 - 1", hvt_block_read(1, INT64_MAX, found, 1));
  expect(HVT_EINVAL, "read 2^63 bytes", hvt_block_read(1, 0, found, 1ull << 63));
  expect(HVT_EINVAL, "read 2^64 - 1 bytes at 1", hvt_block_read(1, 1, found, -1));
  expect(HVT_EINVAL, "read 2^63 - 1 bytes at 1", hvt_block_read(1, 1, found, INT64_MAX));
  expect(HVT_EINVAL, "handle 0", hvt_block_read(0, 0, found, 512));
  expect(HVT_EINVAL, "handle 2", hvt_block_read(2, 0, found, 512));
  expect(HVT_EINVAL, "handle 64", hvt_block_write(64, 0, found, 512));
  expect(HVT_EINVAL, "handle 2^64 - 1", hvt_block_write(-1, 0, found, 512));
  return wrong ? failure("results") : success();
}
