// SPDX-License-Identifier: ISC

// The Solo5 hvt ABI, version 2, on x86-64, as a guest sees it.
//
// Addresses are guest physical; where memory is mapped they equal the virtual ones, so pointers are addresses.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A hypercall is a 32-bit write of the argument block's address to port HVT_PORT + number.
#define HVT_PORT 0x500

enum hvt_number {
  HVT_WALLTIME = 1,
  HVT_PUTS = 2,
  HVT_POLL = 3,
  HVT_BLOCK_WRITE = 4,
  HVT_BLOCK_READ = 5,
  HVT_NET_WRITE = 6,
  HVT_NET_READ = 7,
  HVT_HALT = 8,
};

// Results of the block and net calls.
enum hvt_result { HVT_OK = 0, HVT_AGAIN = 1, HVT_EINVAL = 2, HVT_EUNSPEC = 3 };

struct hvt_walltime {
  uint64_t nanoseconds;  // out: since the Unix epoch
};

struct hvt_puts {
  const void *data;
  uint64_t length;
};

struct hvt_poll {
  uint64_t timeout;    // nanoseconds
  uint64_t ready_set;  // out: bit h is set if the net device with handle h is readable
  uint32_t ready;      // out: number of readable net devices
};

struct hvt_block {
  uint64_t handle;
  uint64_t offset;  // bytes
  void *buffer;
  uint64_t length;  // bytes
  uint32_t result;  // out
};

struct hvt_net {
  uint64_t handle;
  void *buffer;
  uint64_t length;  // bytes; a read stores the frame's length here
  uint32_t result;  // out
};

struct hvt_halt {
  const void *cookie;  // 0 or the address of a trap frame
  int32_t status;
};

struct boot_info {
  uint64_t memory_size;
  uint64_t kernel_end;
  uint64_t tsc_frequency;  // Hz
  const char *command_line;
  const struct manifest *manifest;
  uint32_t host_features;
  uint32_t guest_features;
  uint64_t net_ring;
};

enum device_type { BLOCK_BASIC = 1, NET_BASIC = 2, RESERVED_FIRST = 0x40000000 };

struct device {
  char name[68];
  uint32_t type;
  union {
    struct {
      uint64_t capacity;    // bytes
      uint16_t block_size;  // bytes
    } block;
    struct {
      uint8_t mac[6];
      uint16_t mtu;
    } net;
    uint64_t space[2];
  };
  uint64_t host_private;
  uint8_t attached;
};

struct manifest {
  uint32_t version;
  uint32_t entries;
  struct device devices[];  // the index is the device's handle; index 0 is reserved
};

// What the processor and the library push on an exception; HALT's cookie points at one.
struct trap_frame {
  uint64_t cr2, error, rip, cs, rflags, rsp, ss;
};

_Static_assert(sizeof(struct boot_info) == 56, "boot info");
_Static_assert(sizeof(struct device) == 104, "manifest entry");
_Static_assert(offsetof(struct device, attached) == 96, "manifest entry");
_Static_assert(sizeof(struct hvt_poll) == 24, "POLL");
_Static_assert(sizeof(struct hvt_block) == 40, "BLOCK");
_Static_assert(sizeof(struct hvt_net) == 32, "NET");
_Static_assert(sizeof(struct hvt_halt) == 16, "HALT");
_Static_assert(sizeof(struct trap_frame) == 56, "trap frame");

static inline void hvt_call(enum hvt_number number, void *block) {
  __asm__ volatile("outl %0, %w1" : : "a"((uint32_t)(uintptr_t)block), "d"(HVT_PORT + number) : "memory");
}

static inline uint64_t hvt_walltime(void) {
  struct hvt_walltime call = {0};
  hvt_call(HVT_WALLTIME, &call);
  return call.nanoseconds;
}

static inline void hvt_puts(const void *data, size_t length) {
  struct hvt_puts call = {data, length};
  hvt_call(HVT_PUTS, &call);
}

static inline struct hvt_poll hvt_poll(uint64_t timeout) {
  struct hvt_poll call = {.timeout = timeout};
  hvt_call(HVT_POLL, &call);
  return call;
}

static inline enum hvt_result hvt_block_write(uint64_t handle, uint64_t offset, const void *data, uint64_t length) {
  struct hvt_block call = {handle, offset, (void *)data, length, -1};
  hvt_call(HVT_BLOCK_WRITE, &call);
  return call.result;
}

static inline enum hvt_result hvt_block_read(uint64_t handle, uint64_t offset, void *buffer, uint64_t length) {
  struct hvt_block call = {handle, offset, buffer, length, -1};
  hvt_call(HVT_BLOCK_READ, &call);
  return call.result;
}

static inline enum hvt_result hvt_net_write(uint64_t handle, const void *frame, uint64_t length) {
  struct hvt_net call = {handle, (void *)frame, length, -1};
  hvt_call(HVT_NET_WRITE, &call);
  return call.result;
}

// On entry *length is the buffer's size, on success the frame's length.
static inline enum hvt_result hvt_net_read(uint64_t handle, void *buffer, uint64_t *length) {
  struct hvt_net call = {handle, buffer, *length, -1};
  hvt_call(HVT_NET_READ, &call);
  *length = call.length;
  return call.result;
}

static inline _Noreturn void hvt_halt(int status, const void *cookie) {
  struct hvt_halt call = {cookie, status};
  for (;;) hvt_call(HVT_HALT, &call);
}
