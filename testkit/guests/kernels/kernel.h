// SPDX-License-Identifier: ISC

// What a kernel is written against: 32-bit protected mode, entered by a multiboot loader.
#ifndef KERNEL_H
#define KERNEL_H

#include <stdint.h>

static inline void out8(uint16_t port, uint8_t value) {
  __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void out16(uint16_t port, uint16_t value) {
  __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void out32(uint16_t port, uint32_t value) {
  __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

// The register is cleared first: recordings of exits compare all of it, and what was in it may depend on time.
static inline uint8_t in8(uint16_t port) {
  uint32_t value = 0;
  __asm__ volatile("inb %w1, %b0" : "+a"(value) : "Nd"(port) : "memory");
  return value;
}

static inline uint16_t in16(uint16_t port) {
  uint32_t value = 0;
  __asm__ volatile("inw %w1, %w0" : "+a"(value) : "Nd"(port) : "memory");
  return value;
}

static inline uint32_t in32(uint16_t port) {
  uint32_t value = 0;
  __asm__ volatile("inl %w1, %0" : "+a"(value) : "Nd"(port) : "memory");
  return value;
}

// A virtqueue of a legacy device: its memory is 4 pages.
enum { QUEUE = 256, PAGE = 4096 };

struct descriptor {
  uint64_t address;
  uint32_t length;
  uint16_t flags;
  uint16_t next;
};

// Reads a register of a function on PCI bus 0.
uint32_t pci(uint32_t slot, uint32_t at);

// Finds the slot of the first function with an identity; without one the run fails.
uint32_t find(uint32_t identity);

// Ends the run as a failure unless something is true.
void check(int truth, const char *what);

// Puts characters out on the first serial port.
void print(const char *text);
void print_hex(uint32_t value);

// Ends the run with a status, by the debug-exit port.
void __attribute__((noreturn)) end(int status);

// How many interrupts came on a line, counted by the kernel's handlers. They close lines 8 to 15.
extern volatile uint32_t interrupts[16];

// Lets interrupts of a line from 8 to 15 come again.
void open_line(uint32_t line);

// The program.
int main(uint32_t magic, const uint32_t *information);

#endif
