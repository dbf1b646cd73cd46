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

static inline uint8_t in8(uint16_t port) {
  uint8_t value;
  __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
  return value;
}

static inline uint16_t in16(uint16_t port) {
  uint16_t value;
  __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port) : "memory");
  return value;
}

static inline uint32_t in32(uint16_t port) {
  uint32_t value;
  __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port) : "memory");
  return value;
}

// Puts characters out on the first serial port.
void print(const char *text);
void print_hex(uint32_t value);

// Ends the run with a status, by the debug-exit port.
void __attribute__((noreturn)) end(int status);

// How many interrupts came on a line, counted by the kernel's handlers.
extern volatile uint32_t interrupts[16];

// The program.
int main(uint32_t magic, const uint32_t *information);

#endif
