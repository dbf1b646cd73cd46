// SPDX-License-Identifier: ISC

// The library of the kernels: descriptor tables, interrupt controller, output.
#include "kernel.h"

enum { CODE = 0x08, DATA = 0x10, FIRST_VECTOR = 32 };

volatile uint32_t interrupts[16];

static uint64_t gdt[] = {0, 0x00cf9b000000ffffull, 0x00cf93000000ffffull};
static uint64_t idt[FIRST_VECTOR + 16];

struct table {
  uint16_t limit;
  uint32_t base;
} __attribute__((packed));

extern const char stubs[];

void interrupted(uint32_t line) {
  interrupts[line]++;
  if (line >= 8) {
    // Level-triggered: closed until whoever waits for it has silenced the device.
    out8(0xa1, in8(0xa1) | 1 << (line - 8));
    out8(0xa0, 0x20);
  }
  out8(0x20, 0x20);
}

static void program_interrupt_controller(void) {
  out8(0x20, 0x11);
  out8(0xa0, 0x11);
  out8(0x21, FIRST_VECTOR);
  out8(0xa1, FIRST_VECTOR + 8);
  out8(0x21, 4);
  out8(0xa1, 2);
  out8(0x21, 1);
  out8(0xa1, 1);
  out8(0x21, 0xfb);
  out8(0xa1, 0xff);
}

void prepare(void) {
  for (int i = 0; i < 16; i++) {
    uint32_t handler = (uint32_t)stubs + 16 * i;
    idt[FIRST_VECTOR + i] = (uint64_t)(handler & 0xffff0000) << 32 | 0x8e0000000000ull |
                            (uint64_t)CODE << 16 | (handler & 0xffff);
  }
  struct table gdtr = {sizeof gdt - 1, (uint32_t)gdt};
  struct table idtr = {sizeof idt - 1, (uint32_t)idt};
  __asm__ volatile(
      "lgdt %0\n\t"
      "lidt %1\n\t"
      "ljmp %2, $1f\n"
      "1:\n\t"
      "movl %3, %%eax\n\t"
      "movl %%eax, %%ds\n\t"
      "movl %%eax, %%es\n\t"
      "movl %%eax, %%ss"
      :
      : "m"(gdtr), "m"(idtr), "i"(CODE), "i"(DATA)
      : "eax", "memory");
  program_interrupt_controller();
}

void print(const char *text) {
  for (; *text != 0; text++) {
    while ((in8(0x3fd) & 0x20) == 0) {
    }
    out8(0x3f8, *text);
  }
}

void print_hex(uint32_t value) {
  char text[11] = "0x00000000";
  for (int i = 9; i > 1; i--, value >>= 4) {
    text[i] = "0123456789abcdef"[value & 15];
  }
  print(text);
}

void check(int truth, const char *what) {
  if (!truth) {
    print("FAILURE: ");
    print(what);
    print("\n");
    end(1);
  }
}

uint32_t pci(uint32_t slot, uint32_t at) {
  out32(0xcf8, 0x80000000 | slot << 11 | at);
  return in32(0xcfc);
}

uint32_t find(uint32_t identity) {
  for (uint32_t slot = 0; slot < 32; slot++) {
    if (pci(slot, 0) == identity) {
      return slot;
    }
  }
  check(0, "the device is not on the bus");
  return 0;
}

void open_line(uint32_t line) {
  out8(0xa1, in8(0xa1) & ~(1 << (line - 8)));
}

void end(int status) {
  out32(0xf4, status);
  for (;;) {
    __asm__ volatile("cli; hlt");
  }
}
