// SPDX-License-Identifier: ISC

// Reads sectors one by one from a virtio disk and waits for each by polling. The argument is how many, 10000 by default.
// Prints a line before and after.
#include "kernel.h"

enum { SECTOR = 512, DEFAULT_COUNT = 10000 };

static uint8_t ring[4 * PAGE] __attribute__((aligned(4096)));
static uint32_t header[4];
static uint8_t data[SECTOR];
static volatile uint8_t status;

static void describe(int index, volatile void *address, uint32_t length, uint16_t flags) {
  struct descriptor *descriptor = (struct descriptor *)ring + index;
  descriptor->address = (uint32_t)address;
  descriptor->length = length;
  descriptor->flags = flags;
  descriptor->next = index + 1;
}

static uint32_t argument(const char *line) {
  while (*line != 0 && *line != ' ') {
    line++;
  }
  uint32_t number = 0;
  while (*line != 0 && *++line >= '0' && *line <= '9') {
    number = 10 * number + (*line - '0');
  }
  return number == 0 ? DEFAULT_COUNT : number;
}

int main(uint32_t magic, const uint32_t *information) {
  (void)magic;
  uint32_t count = argument((const char *)information[4]);
  uint16_t io = pci(find(0x10011af4), 0x10) & ~3;
  volatile uint16_t *available = (volatile uint16_t *)(ring + 16 * QUEUE);
  volatile uint16_t *used = (volatile uint16_t *)(ring + 2 * PAGE);
  out8(io + 18, 0);
  out8(io + 18, 3);
  out16(io + 14, 0);
  check(in16(io + 12) == QUEUE, "queue size");
  out32(io + 8, (uint32_t)ring / PAGE);
  out8(io + 18, 7);
  available[0] = 1;
  uint32_t sectors = in32(io + 20);
  describe(0, header, sizeof header, 1);
  describe(1, data, SECTOR, 3);
  describe(2, &status, 1, 2);
  print("start\n");
  for (uint32_t i = 1; i <= count; i++) {
    header[2] = i % sectors;
    status = 0xff;
    __asm__ volatile("" : : : "memory");
    available[1] = i;
    out16(io + 16, 0);
    while (used[1] != (uint16_t)i) {
    }
    check(status == 0, "status of a read");
  }
  print("end\n");
  return 0;
}
