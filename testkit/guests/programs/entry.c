// SPDX-License-Identifier: ISC

// Prints the processor's state at entry and compares it with the ABI.
#include "guest.h"

#define EXTENSION_TYPE 0x10  // CR0.ET, always 1 on hardware
#define EFER_SVME 0x1000     // set for itself by a hypervisor on AMD that lets its guests see it, such as bhyve

struct pointer {
  uint16_t limit;
  uint64_t base;
} __attribute__((packed));

static struct {
  uint64_t general[16];  // rax rcx rdx rbx rsp rbp rsi rdi r8..r15
  uint64_t rflags;
} state;

__attribute__((naked)) void _start(void) {
  __asm__(
      "mov %%rax, %0\n mov %%rcx, 8+%0\n mov %%rdx, 16+%0\n mov %%rbx, 24+%0\n"
      "mov %%rsp, 32+%0\n mov %%rbp, 40+%0\n mov %%rsi, 48+%0\n mov %%rdi, 56+%0\n"
      "mov %%r8, 64+%0\n mov %%r9, 72+%0\n mov %%r10, 80+%0\n mov %%r11, 88+%0\n"
      "mov %%r12, 96+%0\n mov %%r13, 104+%0\n mov %%r14, 112+%0\n mov %%r15, 120+%0\n"
      "pushf\n pop %1\n"
      "jmp entered"
      : "=m"(state.general), "=m"(state.rflags));
}

static int wrong;

static void expect(const char *name, uint64_t value, uint64_t expected) {
  print("%s 0x%lx", name, value);
  if (value != expected) wrong++, print(" expected 0x%lx", expected);
  print("\n");
}

#define READ(INSTRUCTION)                             \
  ({                                                  \
    uint64_t value = 0;                               \
    __asm__ volatile(INSTRUCTION ", %0" : "=r"(value)); \
    value;                                            \
  })

// Before the library loads tables of its own.
__attribute__((used)) static void system_state(void) {
  static const char *const names[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                      "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
  const struct boot_info *info = (const struct boot_info *)0x10000;
  for (int i = 0; i < 16; i++) {
    expect(names[i], state.general[i], i == 4 ? info->memory_size - 8 : i == 7 ? 0x10000 : 0);
  }
  expect("rflags", state.rflags, 0x2);
  expect("cr0", READ("mov %%cr0") | EXTENSION_TYPE, 0x80010021 | EXTENSION_TYPE);
  expect("cr2", READ("mov %%cr2"), 0);
  expect("cr3", READ("mov %%cr3"), 0x2000);
  expect("cr4", READ("mov %%cr4"), 0x620);
  expect("cr8", READ("mov %%cr8"), 0);
  expect("efer", rdmsr(MSR_EFER) & ~EFER_SVME, 0x500);
  expect("fs base", rdmsr(MSR_FS_BASE), 0);
  expect("gs base", rdmsr(MSR_FS_BASE + 1), 0);
  expect("cs", READ("mov %%cs"), 0x08);
  expect("ss", READ("mov %%ss"), 0x10);
  expect("ds", READ("mov %%ds"), 0x10);
  expect("es", READ("mov %%es"), 0x10);
  expect("fs", READ("mov %%fs"), 0x10);
  expect("gs", READ("mov %%gs"), 0x10);
  struct pointer gdtr, idtr;
  __asm__ volatile("sgdt %0" : "=m"(gdtr));
  __asm__ volatile("sidt %0" : "=m"(idtr));
  expect("gdtr base", gdtr.base, 0x1000);
  expect("gdtr limit", gdtr.limit, 0x17);
  expect("idtr base", idtr.base, 0);
  expect("idtr limit", idtr.limit, 0);
}

__asm__("entered: push %rdi; call system_state; pop %rdi; jmp guest_start");

int main(const char *arguments) {
  (void)arguments;
  return wrong ? failure("the state at entry") : success();
}
