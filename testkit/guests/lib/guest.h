// SPDX-License-Identifier: ISC

// The guest library: what a program is written against.
//
// A program defines main(), may declare MANIFEST(...) and returns its exit status. One without MANIFEST has no devices.
#pragma once

#include "hvt.h"

#define ABORT_STATUS 255

int main(const char *arguments);

// boot.c: start-up.

extern const struct boot_info *boot;  // the monitor's boot info
extern char heap_start[];             // first byte behind .bss; the heap ends below the stack

// Prints SUCCESS or FAILURE and returns the status that goes with it.
int success(void);
int failure(const char *reason);

// Prints ABORT and halts with ABORT_STATUS.
_Noreturn void abort_with(const char *reason);

// manifest.c: devices.

// Handle of the device with this name and type, 0 if there is none.
uint64_t device_handle(const char *name, enum device_type type);
const struct device *device_of(uint64_t handle);

// One whole, aligned block, as Solo5's own library demands; anything else is HVT_EINVAL without a hypercall.
enum hvt_result block_write(uint64_t handle, uint64_t offset, const void *data, uint64_t length);
enum hvt_result block_read(uint64_t handle, uint64_t offset, void *buffer, uint64_t length);

// MANIFEST(BLOCK("storage"), NET("service")) puts the declarations into the image.
#define BLOCK(NAME) {.name = NAME, .type = BLOCK_BASIC}
#define NET(NAME) {.name = NAME, .type = NET_BASIC}

#define MANIFEST(...)                                                                                        \
  enum { manifest_entries = sizeof((struct device[]){{.type = RESERVED_FIRST}, __VA_ARGS__}) / 104 };        \
  extern const struct manifest_note manifest_note;                                                           \
  __attribute__((section(".note.solo5.manifest"), aligned(8))) const struct manifest_note {                  \
    uint32_t name_size, content_size, type;                                                                  \
    char name[8];                                                                                            \
    uint32_t padding; /* counted in content_size; aligns the manifest to 8 */                                \
    uint32_t version, entries;                                                                               \
    struct device devices[manifest_entries];                                                                 \
  } manifest_note = {                                                                                        \
      6, 12 + 104 * manifest_entries, 0x3154464d, "Solo5", 0, 1, manifest_entries,                           \
      {{.type = RESERVED_FIRST}, __VA_ARGS__}}

// text.c: strings, arguments, printing.

void *memcpy(void *target, const void *source, size_t length);
void *memset(void *target, int value, size_t length);
int memcmp(const void *left, const void *right, size_t length);
size_t strlen(const char *text);
bool equal(const char *left, const char *right);

// A word of the command line: the characters up to the next space.
struct word {
  const char *start;
  size_t length;
};

struct word next_word(const char **rest);
bool word_is(struct word word, const char *text);

// Decimal or 0x hexadecimal, with an optional minus.
bool word_number(struct word word, uint64_t *value);

// The next word as a number; the fallback if there is none. A word that is no number ends the guest.
uint64_t next_number(const char **rest, uint64_t fallback);

uint32_t crc32(const void *data, size_t length);

// %s %c %d %u %x, each number also with l, zero padding and a width. At most one hypercall for each 512 bytes.
__attribute__((format(printf, 1, 2))) void print(const char *format, ...);

// clock.c: time.

#define SECOND 1000000000ull
#define MILLISECOND 1000000ull

static inline uint64_t tsc(void) {
  uint32_t low, high;
  __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
  return (uint64_t)high << 32 | low;
}

uint64_t monotonic(void);           // nanoseconds by the TSC, from an arbitrary start
void sleep_until(uint64_t moment);  // of monotonic(); one POLL, none if the moment has passed

// trap.c: exceptions.

void traps_install(void);

// Tries one access of a byte; false if it raised an exception.
bool can_read(const volatile void *address);
bool can_write(volatile void *address);  // stores the byte that it read

// Processor.

#define MSR_EFER 0xc0000080
#define MSR_FS_BASE 0xc0000100

static inline void wrmsr(uint32_t msr, uint64_t value) {
  __asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}

static inline uint64_t rdmsr(uint32_t msr) {
  uint32_t low, high;
  __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
  return (uint64_t)high << 32 | low;
}
