// SPDX-License-Identifier: ISC

// The ring for frames that a guest may share with the monitor: one for all its net devices.
#pragma once

#include "guest.h"

#define RING_PORT 0x600
#define RING_ENTRIES 1024
#define RING_FRAME 2048  // longer frames go by hypercall

enum ring_operation { RING_WRITE = 1, RING_READ = 2 };

struct ring_submission {
  uint32_t operation, handle;
  uint64_t data;
  uint32_t length, id;
  uint64_t reserved;
};

struct ring_completion {
  uint32_t id, result, length, reserved;
};

// Indices count on for ever; an entry's place is its index modulo RING_ENTRIES.
struct ring {
  // The guest's.
  volatile uint32_t submission_tail, completion_head;
  uint8_t padding_of_guest[56];
  // The monitor's.
  volatile uint32_t submission_head, completion_tail, needs_kick;
  uint8_t padding_of_monitor[52];
  struct ring_submission submissions[RING_ENTRIES];     // the guest's
  volatile struct ring_completion completions[RING_ENTRIES];  // the monitor's
};

_Static_assert(offsetof(struct ring, submission_head) == 64, "ring");
_Static_assert(offsetof(struct ring, submissions) == 128, "ring");
_Static_assert(offsetof(struct ring, completions) == 32896, "ring");
_Static_assert(sizeof(struct ring) == 49280, "ring");

static uint8_t ring_frames[RING_ENTRIES][RING_FRAME];

// 0 if the monitor does not offer it.
static inline struct ring *ring(void) { return boot->host_features & 1 ? (struct ring *)boot->net_ring : 0; }

static inline void ring_kick(void) { __asm__ volatile("outl %0, %w1" : : "a"(0), "d"(RING_PORT) : "memory"); }

static inline void ring_pause(void) { __asm__ volatile("pause" : : : "memory"); }

static inline struct ring_submission *ring_next(void) {
  return &ring()->submissions[ring()->submission_tail % RING_ENTRIES];
}

// Publishes what ring_next() was filled with.
static inline void ring_submit(void) {
  __asm__ volatile("" : : : "memory");
  ring()->submission_tail++;
  // Whoever is about to sleep looks for submissions after it has asked for a kick.
  __asm__ volatile("mfence" : : : "memory");
  if (ring()->needs_kick) ring_kick();
}

// As hvt_net_write, but nobody tells whether it was sent.
static inline enum hvt_result ring_write(uint64_t handle, const void *frame, uint64_t length) {
  if (!ring() || length > RING_FRAME) return hvt_net_write(handle, frame, length);
  while (ring()->submission_tail - ring()->submission_head >= RING_ENTRIES - 1) ring_pause();
  uint8_t *copy = ring_frames[ring()->submission_tail % RING_ENTRIES];
  memcpy(copy, frame, length);
  *ring_next() = (struct ring_submission){RING_WRITE, handle, (uint64_t)copy, length, ring()->submission_tail, 0};
  ring_submit();
  return HVT_OK;
}

// As hvt_net_read.
static inline enum hvt_result ring_read(uint64_t handle, void *buffer, uint64_t *length) {
  if (!ring()) return hvt_net_read(handle, buffer, length);
  while (ring()->submission_tail - ring()->submission_head >= RING_ENTRIES - 1) ring_pause();
  *ring_next() = (struct ring_submission){RING_READ, handle, (uint64_t)buffer, *length, ring()->submission_tail, 0};
  ring_submit();
  while (ring()->completion_tail == ring()->completion_head) ring_pause();
  volatile struct ring_completion *completion = &ring()->completions[ring()->completion_head % RING_ENTRIES];
  enum hvt_result result = completion->result;
  if (result == HVT_OK) *length = completion->length;
  __asm__ volatile("" : : : "memory");
  ring()->completion_head++;
  return result;
}
