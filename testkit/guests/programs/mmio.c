// SPDX-License-Identifier: ISC

// mmio read WIDTH ADDRESS | mmio write WIDTH ADDRESS VALUE: one access to an address outside memory, which the guest
// maps by page tables of its own.
#include "guest.h"

#define PRESENT_WRITABLE 0x3
#define LARGE 0x80
#define WINDOW (1ull << 39)  // what the second entry of the top table maps

static uint64_t tables[3][512] __attribute__((aligned(4096)));

static void map_window(uint64_t address) {
  uint64_t(*top)[512] = &tables[0];
  (*top)[0] = 0x3000 | PRESENT_WRITABLE;  // the monitor's own mapping of memory
  (*top)[1] = (uint64_t)tables[1] | PRESENT_WRITABLE;
  tables[1][0] = (uint64_t)tables[2] | PRESENT_WRITABLE;
  tables[2][0] = (address & -(2ull << 20)) | LARGE | PRESENT_WRITABLE;
  __asm__ volatile("mov %0, %%cr3" : : "r"(top) : "memory");
}

int main(const char *arguments) {
  struct word direction = next_word(&arguments);
  uint64_t width = next_number(&arguments, 4);
  uint64_t address = next_number(&arguments, 1ull << 33);
  uint64_t value = next_number(&arguments, 0);
  map_window(address);
  volatile void *at = (void *)(WINDOW + address % (2 << 20));
  if (word_is(direction, "write")) {
    if (width == 1) *(volatile uint8_t *)at = value;
    if (width == 2) *(volatile uint16_t *)at = value;
    if (width == 4) *(volatile uint32_t *)at = value;
    if (width == 8) *(volatile uint64_t *)at = value;
  } else {
    if (width == 1) value = *(volatile uint8_t *)at;
    if (width == 2) value = *(volatile uint16_t *)at;
    if (width == 4) value = *(volatile uint32_t *)at;
    if (width == 8) value = *(volatile uint64_t *)at;
  }
  print("mmio 0x%lx went on with 0x%lx\n", address, value);
  return success();
}
