// SPDX-License-Identifier: ISC

// Uses the shared ring as nobody should:
//   none        is content if no ring is offered
//   blind       rings although no ring is offered
//   jump        has left 5000 submissions in a ring of 1024
//   back        takes back a submission that was served
//   outside     sends a frame from behind its memory
//   wrap        sends a frame that ends behind the last address there is
//   readonly    lets a frame be put where it may not write
//   undrained   takes no completion
//   overtaken   has taken completions that there were not
//   changing    changes what it has submitted, from what can be to what cannot
//   storm       rings without end
// These end well:
//   rings [N]   rings N times for nothing
//   unknown     submits operations and devices that there are not, and frames of sizes that cannot be
//   rewrite     writes to what is the monitor's
//   leave       leaves 100 frames and halts
// Those that end well send a frame at the end, which shows that they were served.
#include "ring.h"

MANIFEST(NET("service0"));

#define UNKNOWN 100

static uint64_t handle;
static uint8_t frame[64];
static uint8_t buffer[RING_FRAME];

static void submit(uint32_t operation, uint64_t data, uint32_t length) {
  *ring_next() = (struct ring_submission){operation, handle, data, length, ring()->submission_tail, 0};
  ring_submit();
}

static _Noreturn void wait_for_the_end(void) {
  for (;;) ring_kick();
}

static void await_served(void) {
  while (ring()->submission_head != ring()->submission_tail) ring_pause();
}

static int send_last(void) {
  if (ring_write(handle, frame, sizeof frame) != HVT_OK) return failure("sending a frame");
  return success();
}

static void send_unknown(void) {
  static const uint32_t operations[] = {0, 3, 0x80000001, UINT32_MAX};
  static const uint32_t handles[] = {0, 2, 63, 64, 0x80000001, UINT32_MAX};
  static const uint32_t sizes[] = {0, 1, 13, 65536};
  for (int i = 0; i < UNKNOWN; i++) {
    submit(operations[i % 4], UINT64_MAX, UINT32_MAX);
    *ring_next() = (struct ring_submission){RING_WRITE, handles[i % 6], (uint64_t)frame, sizeof frame, 0, 0};
    ring_submit();
    submit(RING_WRITE, (uint64_t)ring_frames, sizes[i % 4]);
    uint64_t length = sizeof buffer;
    if (ring_read(handles[i % 6], buffer, &length) != HVT_EINVAL) abort_with("a frame from no device");
    await_served();
  }
}

int main(const char *arguments) {
  struct word command = next_word(&arguments);
  handle = device_handle("service0", NET_BASIC);
  if (!handle) return failure("no device service0");
  memset(frame, 0xff, 6);
  memcpy(frame + 6, device_of(handle)->net.mac, 6);
  frame[12] = 0x88;
  frame[13] = 0xb5;
  if (word_is(command, "none")) return ring() || boot->net_ring ? failure("there is a ring") : success();
  if (word_is(command, "blind") && !ring()) ring_kick();
  if (!ring()) return failure("no ring is offered");
  if (boot->net_ring != boot->memory_size) return failure("the ring is not behind the memory");
  if (word_is(command, "jump")) {
    ring()->submission_tail += 5000;
    wait_for_the_end();
  }
  if (word_is(command, "back")) {
    submit(RING_WRITE, (uint64_t)frame, sizeof frame);
    await_served();
    ring()->submission_tail--;
    wait_for_the_end();
  }
  if (word_is(command, "outside")) {
    submit(RING_WRITE, boot->memory_size * 16, sizeof frame);
    wait_for_the_end();
  }
  if (word_is(command, "wrap")) {
    submit(RING_WRITE, UINT64_MAX - 20, sizeof frame);
    wait_for_the_end();
  }
  if (word_is(command, "readonly")) {
    submit(RING_READ, (uint64_t)main, 64);
    wait_for_the_end();
  }
  if (word_is(command, "undrained")) {
    for (;;) {
      submit(RING_READ, (uint64_t)buffer, sizeof buffer);
      while (ring()->submission_tail - ring()->submission_head >= RING_ENTRIES - 1) ring_kick();
    }
  }
  if (word_is(command, "overtaken")) {
    ring()->completion_head = 1;
    submit(RING_READ, (uint64_t)buffer, sizeof buffer);
    wait_for_the_end();
  }
  if (word_is(command, "changing")) {
    for (uint64_t i = 0;; i++) {
      volatile struct ring_submission *entry = ring_next();
      uint32_t left = ring()->submission_tail;
      submit(i % 2 ? RING_WRITE : RING_READ, (uint64_t)buffer, sizeof frame);
      do {
        entry->data = (uint64_t)buffer;
        entry->data = boot->memory_size * 16;
        entry->length = UINT32_MAX;
        entry->length = sizeof frame;
        ring_kick();
      } while (ring()->submission_head == left);
      ring()->completion_head = ring()->completion_tail;
    }
  }
  if (word_is(command, "storm")) {
    print("ringing\n");
    wait_for_the_end();
  }
  if (word_is(command, "rings")) {
    for (uint64_t n = next_number(&arguments, 1000); n > 0; n--) ring_kick();
    return send_last();
  }
  if (word_is(command, "unknown")) {
    send_unknown();
    return send_last();
  }
  if (word_is(command, "rewrite")) {
    uint64_t length = sizeof buffer;
    if (ring_read(handle, buffer, &length) != HVT_AGAIN) return failure("there is a frame");
    for (uint32_t i = 0; i < 100; i++) {
      ring()->submission_head = i * 0x12345678;
      ring()->completion_tail = ~i;
      for (int j = 0; j < 16; j++) ring()->completions[j].result = UINT32_MAX;
      submit(RING_WRITE, (uint64_t)frame, sizeof frame);
      ring_kick();
      await_served();
    }
    ring()->needs_kick = 1;
    return send_last();
  }
  if (word_is(command, "leave")) {
    for (int i = 0; i < 100; i++) {
      if (ring_write(handle, frame, sizeof frame) != HVT_OK) return failure("sending a frame");
    }
    hvt_halt(0, 0);
  }
  return failure("unknown command");
}
