// SPDX-License-Identifier: ISC

// Boot information, clock, timer interrupts while halted and while computing, the PCI bus and the
// block device on it behave as on a PC.
#include "kernel.h"

enum { TIMER_HZ = 1193182, SECTOR = 512 };

static int same(const char *a, const char *b) {
  while (*a != 0 && *a == *b) {
    a++;
    b++;
  }
  return *a == *b;
}

static void boot_information(uint32_t magic, const uint32_t *information) {
  check(magic == 0x2badb002, "magic");
  check((information[0] & 0x45) == 0x45, "flags");
  print("command line: ");
  print((const char *)information[4]);
  print("\n");
  check(information[1] == 640, "mem_lower");
  const uint32_t *entry = (const uint32_t *)information[12];
  const uint32_t *map_end = (const uint32_t *)(information[12] + information[11]);
  uint32_t upper = 0;
  while (entry < map_end) {
    if (entry[1] == 0x100000 && entry[5] == 1) {
      upper = entry[3];
    }
    entry = (const uint32_t *)((uint32_t)entry + entry[0] + 4);
  }
  check(upper != 0 && upper / 1024 == information[2], "memory map");
  if ((information[0] & 8) != 0) {
    const uint32_t *module = (const uint32_t *)information[6];
    for (uint32_t i = 0; i < information[5]; i++, module += 4) {
      check(module[0] % PAGE == 0, "module at a page");
      print("module: ");
      print((const char *)module[2]);
      print(": ");
      for (const char *c = (const char *)module[0]; c < (const char *)module[1]; c++) {
        char text[2] = {*c, 0};
        print(text);
      }
      print("\n");
    }
  }
}

static void ticks(void) {
  uint32_t divisor = TIMER_HZ / 200;
  out8(0x43, 0x34);
  out8(0x40, divisor & 0xff);
  out8(0x40, divisor >> 8);
  out8(0x21, in8(0x21) & ~1);
  for (uint32_t seen = interrupts[0]; interrupts[0] < seen + 5;) {
    __asm__ volatile("sti; hlt; cli");
  }
  print("ticks while halted\n");
  __asm__ volatile("sti");
  for (uint32_t seen = interrupts[0]; interrupts[0] < seen + 5;) {
  }
  __asm__ volatile("cli");
  print("ticks while computing\n");
  // Once, in a hundredth of a second.
  out8(0x43, 0x38);
  uint32_t seen = interrupts[0];
  out8(0x40, (TIMER_HZ / 100) & 0xff);
  out8(0x40, (TIMER_HZ / 100) >> 8);
  do {
    __asm__ volatile("sti; hlt; cli");
  } while (interrupts[0] < seen + 1);
  out8(0x21, in8(0x21) | 1);
  print("one tick\n");
}

static uint8_t clock_field(int index) {
  out8(0x70, index);
  return in8(0x71);
}

static void date(void) {
  while ((clock_field(10) & 0x80) != 0) {
  }
  uint8_t month = clock_field(8);
  check(clock_field(0x32) == 0x20 && month >= 1 && month <= 0x12, "date");
  print("date 20");
  char text[3] = {'0' + (clock_field(9) >> 4), '0' + (clock_field(9) & 15), 0};
  print(text);
  print("\n");
}

static uint8_t ring[4 * PAGE] __attribute__((aligned(4096)));
static uint32_t header[4];
static uint8_t data[SECTOR];
static volatile uint8_t status;

static void describe(int index, volatile void *address, uint32_t length, uint16_t flags) {
  struct descriptor *descriptors = (struct descriptor *)ring;
  descriptors[index].address = (uint32_t)address;
  descriptors[index].length = length;
  descriptors[index].flags = flags;
  descriptors[index].next = index + 1;
}

static void transfer(uint16_t io, uint32_t line, uint32_t type, uint32_t sector) {
  volatile uint16_t *available = (volatile uint16_t *)(ring + 16 * QUEUE);
  volatile uint16_t *used = (volatile uint16_t *)(ring + 2 * PAGE);
  uint32_t seen = interrupts[line];
  open_line(line);
  header[0] = type;
  header[2] = sector;
  status = 0xff;
  describe(0, header, sizeof header, 1);
  describe(1, data, SECTOR, type == 0 ? 3 : 1);
  describe(2, &status, 1, 2);
  available[2 + available[1] % QUEUE] = 0;
  uint16_t index = available[1] + 1;
  __asm__ volatile("" : : : "memory");
  available[1] = index;
  out16(io + 16, 0);
  while (interrupts[line] == seen) {
    __asm__ volatile("sti; hlt; cli");
  }
  check(used[1] == index, "used index");
  check(status == 0, "status of a block request");
  // The line stays up until the device was asked why.
  check((in8(io + 19) & 1) != 0, "interrupt status");
}

static void block(uint32_t slot) {
  uint16_t io = pci(slot, 0x10) & ~3;
  uint32_t line = pci(slot, 0x3c) & 0xff;
  check(line >= 8 && line < 16, "interrupt line");
  out8(io + 18, 0);
  out8(io + 18, 3);
  out16(io + 14, 0);
  check(in16(io + 12) == QUEUE, "queue size");
  out32(io + 8, (uint32_t)ring / PAGE);
  out8(io + 18, 7);
  print("sectors ");
  print_hex(in32(io + 20));
  print("\n");
  transfer(io, line, 0, 0);
  check(same((const char *)data, "first sector"), "content of the first sector");
  for (int i = 0; i < SECTOR; i++) {
    data[i] = i;
  }
  transfer(io, line, 1, 1);
  for (int i = 0; i < SECTOR; i++) {
    data[i] = 0;
  }
  transfer(io, line, 0, 1);
  for (int i = 0; i < SECTOR; i++) {
    check(data[i] == (uint8_t)i, "what was written");
  }
  print("block device\n");
}

int main(uint32_t magic, const uint32_t *information) {
  boot_information(magic, information);
  date();
  ticks();
  check(pci(0, 0x08) >> 24 == 6, "host bridge");
  int functions = 0;
  for (uint32_t slot = 1; slot < 32; slot++) {
    if (pci(slot, 0) == 0x10011af4) {
      functions++;
      block(slot);
    } else {
      check(pci(slot, 0) == 0xffffffff, "an empty slot");
    }
  }
  print("block devices ");
  print_hex(functions);
  print("\nSUCCESS\n");
  return 0;
}
