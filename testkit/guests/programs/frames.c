// SPDX-License-Identifier: ISC

// Frames as such, on "service0":
//   echo [COUNT]            sends each frame back to its sender; ends after COUNT frames
//   source COUNT SIZE [TO]  sends numbered frames to the address 02:00:00:00:00:TO, or to all
//   sink COUNT              takes frames until COUNT have come
//   flood [SIZE]            sends to all, without end
//   sizes                   sends frames of all sizes that there can be, and of some that there cannot
// source and sink print the nanoseconds from their first frame to their last.
#include "guest.h"

#define LOCAL_EXPERIMENT 0x88b5
#define HEADER 14
#define LARGEST 65535

MANIFEST(NET("service0"));

static uint8_t frame[LARGEST + 1];
static uint64_t handle;

static void address(uint64_t to) {
  memset(frame, 0xff, 6);
  if (to) memcpy(frame, (uint8_t[]){2, 0, 0, 0, 0, to}, 6);
  memcpy(frame + 6, device_of(handle)->net.mac, 6);
  frame[12] = LOCAL_EXPERIMENT >> 8;
  frame[13] = LOCAL_EXPERIMENT & 0xff;
}

// Waits for a frame: what POLL reports must be there.
static uint64_t receive(void) {
  while (!(hvt_poll(SECOND).ready_set >> handle & 1)) {}
  uint64_t length = sizeof frame;
  if (hvt_net_read(handle, frame, &length) != HVT_OK) abort_with("the device was ready, but had no frame");
  return length;
}

static int echo(uint64_t count) {
  for (uint64_t i = 0; i < count; i++) {
    uint64_t length = receive();
    memcpy(frame, frame + 6, 6);
    memcpy(frame + 6, device_of(handle)->net.mac, 6);
    if (hvt_net_write(handle, frame, length) != HVT_OK) return failure("sending an echo");
  }
  return success();
}

static int source(uint64_t count, uint64_t size, uint64_t to) {
  address(to);
  uint64_t start = monotonic();
  for (uint64_t i = 0; i < count; i++) {
    memcpy(frame + HEADER, &i, sizeof i);
    if (hvt_net_write(handle, frame, size) != HVT_OK) return failure("sending a frame");
  }
  print("sent %lu frames in %lu ns\n", count, monotonic() - start);
  return success();
}

static int sink(uint64_t count) {
  uint64_t bytes = receive();
  uint64_t start = monotonic();
  for (uint64_t i = 1; i < count;) {
    uint64_t length = sizeof frame;
    if (hvt_net_read(handle, frame, &length) == HVT_OK) {
      bytes += length;
      i++;
    } else {
      hvt_poll(SECOND);
    }
  }
  print("took %lu frames, %lu bytes in %lu ns\n", count, bytes, monotonic() - start);
  return success();
}

static int sizes(void) {
  address(0);
  static const uint32_t good[] = {14, 15, 60, 1514, 1515, 9014, LARGEST};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    if (hvt_net_write(handle, frame, good[i]) != HVT_OK) return failure("sending a frame");
  }
  static const uint32_t bad[] = {0, 1, 13, LARGEST + 1};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    if (hvt_net_write(handle, frame, bad[i]) != HVT_EINVAL) return failure("a size that cannot be was sent");
  }
  uint64_t length = sizeof frame;
  if (hvt_net_write(handle + 1, frame, 60) != HVT_EINVAL) return failure("a frame to no device");
  if (hvt_net_read(handle + 1, frame, &length) != HVT_EINVAL) return failure("a frame from no device");
  return success();
}

int main(const char *arguments) {
  handle = device_handle("service0", NET_BASIC);
  if (!handle) return failure("no device service0");
  struct word command = next_word(&arguments);
  uint64_t first = next_number(&arguments, 0);
  uint64_t size = next_number(&arguments, 60);
  uint64_t to = next_number(&arguments, 0);
  if (word_is(command, "echo")) {
    print("echoing\n");
    return echo(first ? first : UINT64_MAX);
  }
  if (word_is(command, "source")) return source(first, size, to);
  if (word_is(command, "sink")) {
    print("waiting for frames\n");
    return sink(first);
  }
  if (word_is(command, "flood")) {
    print("flooding\n");
    return source(UINT64_MAX, first ? first : 60, 0);
  }
  if (word_is(command, "sizes")) return sizes();
  return failure("unknown command");
}
