// SPDX-License-Identifier: ISC

// inputs [TURNS]: takes every input a guest has, TURNS (20) times: random numbers, clocks, sleeps of random length, sectors
// and frames. Prints a digest of them all; its heap remembers each one. Sends a frame after each turn.
#include "guest.h"

#define SECTOR 512
#define FRAME 2048

MANIFEST(BLOCK("storage"), NET("service0"));

static uint8_t frame[FRAME];
static uint32_t digest;
static size_t kept;

static void take(const void *data, size_t length) {
  memcpy(heap_start + kept, data, length);
  kept += length;
  digest = crc32(&digest, sizeof digest) ^ crc32(data, length);
}

static void take_number(uint64_t number) { take(&number, sizeof number); }

static uint64_t random_number(void) {
  uint64_t number;
  bool ok;
  do {
    __asm__ volatile("rdrand %0" : "=r"(number), "=@ccc"(ok));
  } while (!ok);
  return number;
}

static bool take_frames(uint64_t net) {
  for (;;) {
    uint64_t length = FRAME;
    enum hvt_result result = hvt_net_read(net, frame, &length);
    if (result == HVT_AGAIN) return true;
    if (result != HVT_OK) return false;
    take(frame, length);
  }
}

int main(const char *arguments) {
  uint64_t storage = device_handle("storage", BLOCK_BASIC);
  uint64_t net = device_handle("service0", NET_BASIC);
  uint64_t sectors = device_of(storage)->block.capacity / SECTOR;
  static uint8_t sector[SECTOR];
  for (uint64_t turns = next_number(&arguments, 20); turns; turns--) {
    uint64_t random = random_number();
    take_number(random);
    take_number(tsc());
    take_number(monotonic());
    take_number(hvt_walltime());
    if (block_read(storage, random % sectors * SECTOR, sector, SECTOR)) return failure("block read");
    take(sector, SECTOR);
    take_number(hvt_poll(random >> 32 & 0xfffff).ready_set);  // up to a millisecond
    if (!take_frames(net)) return failure("net read");
    sleep_until(monotonic() + (random >> 32 & 0xfffff));
    memcpy(frame, sector, 64);
    if (hvt_net_write(net, frame, 64)) return failure("net write");
    if (block_write(storage, random % sectors * SECTOR, heap_start + (kept - SECTOR), SECTOR)) return failure("block write");
  }
  print("digest 0x%08x, %lu bytes\n", digest, kept);
  return success();
}
