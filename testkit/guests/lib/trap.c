// SPDX-License-Identifier: ISC

// Own GDT, TSS and IDT; every exception prints itself and ends the guest, except one that a probe expects.
#include "guest.h"

struct table_pointer {
  uint16_t limit;
  uint64_t base;
} __attribute__((packed));

struct gate {
  uint16_t offset_0;
  uint16_t selector;
  uint8_t stack;
  uint8_t type;
  uint16_t offset_16;
  uint32_t offset_32;
  uint32_t reserved;
};

struct task_state {
  uint32_t reserved_0;
  uint64_t stack[3];
  uint64_t reserved_1;
  uint64_t trap_stack[7];
  uint64_t reserved_2;
  uint16_t reserved_3;
  uint16_t io_map;
} __attribute__((packed));

void cpu_load(const struct table_pointer *gdt, const struct table_pointer *idt);
extern char trap_stubs[], probes_end[];

// Null, 64-bit code, data, and two entries for the TSS.
static uint64_t gdt[5] = {0, 0x00af99000000ffff, 0x00cf93000000ffff};
static struct gate idt[32];
static struct task_state task_state = {.io_map = sizeof task_state};
static char trap_stack[4096] __attribute__((aligned(16)));

static const char *const names[32] = {
    "#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", "9",   "#TS",
    "#NP", "#SS", "#GP", "#PF", "15",  "#MF", "#AC", "#MC", "#XM", "#VE", "#CP",
    "22",  "23",  "24",  "25",  "26",  "27",  "28",  "29",  "30",  "31",
};

void traps_install(void) {
  uint64_t base = (uint64_t)&task_state;
  gdt[3] = (sizeof task_state - 1) | (base & 0xffffff) << 16 | 0x89ull << 40 | (base >> 24 & 0xff) << 56;
  gdt[4] = base >> 32;
  task_state.trap_stack[0] = (uint64_t)(trap_stack + sizeof trap_stack);
  for (int vector = 0; vector < 32; vector++) {
    uint64_t stub = (uint64_t)trap_stubs + 16 * vector;
    idt[vector] = (struct gate){stub, 0x08, 1, 0x8e, stub >> 16, stub >> 32, 0};
  }
  struct table_pointer gdt_pointer = {sizeof gdt - 1, (uint64_t)gdt};
  struct table_pointer idt_pointer = {sizeof idt - 1, (uint64_t)idt};
  cpu_load(&gdt_pointer, &idt_pointer);
}

// Returns the interrupted stack pointer if a probe raised the exception.
uint64_t trap(int vector, const struct trap_frame *frame) {
  if (frame->rip >= (uint64_t)can_read && frame->rip < (uint64_t)probes_end) return frame->rsp;
  print("trap %s error 0x%lx rip 0x%lx rsp 0x%lx rflags 0x%lx", names[vector], frame->error, frame->rip, frame->rsp,
        frame->rflags);
  if (vector == 14) print(" cr2 0x%lx", frame->cr2);
  print("\nABORT\n");
  hvt_halt(ABORT_STATUS, frame);
}
