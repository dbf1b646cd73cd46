// SPDX-License-Identifier: ISC

// Sends frames back by virtio-net, woken by its interrupts: halted, or computing if the first argument is "busy". Ends
// after a frame whose payload starts with 'e'.
#include "kernel.h"

enum { RECEIVE = 0, TRANSMIT = 1, HEADER = 10, BUFFER = 1526, BUFFERS = 8 };

static uint8_t rings[2][4 * PAGE] __attribute__((aligned(4096)));
static uint8_t buffers[BUFFERS][BUFFER];
static const uint8_t no_header[HEADER];
static uint16_t io;

static volatile uint16_t *available(int queue) {
  return (volatile uint16_t *)(rings[queue] + 16 * QUEUE);
}

static volatile uint16_t *used(int queue) {
  return (volatile uint16_t *)(rings[queue] + 2 * PAGE);
}

static void describe(int queue, int index, const void *address, uint32_t length, uint16_t flags) {
  struct descriptor *descriptor = (struct descriptor *)rings[queue] + index;
  descriptor->address = (uint32_t)address;
  descriptor->length = length;
  descriptor->flags = flags;
  descriptor->next = index + 1;
}

static void offer(int queue, int head) {
  volatile uint16_t *ring = available(queue);
  ring[2 + ring[1] % QUEUE] = head;
  __asm__ volatile("" : : : "memory");
  ring[1] = ring[1] + 1;
  out16(io + 16, queue);
}

static void place(int queue) {
  out16(io + 14, queue);
  check(in16(io + 12) == QUEUE, "queue size");
  out32(io + 8, (uint32_t)rings[queue] / PAGE);
}

static void send(const uint8_t *frame, uint32_t length) {
  describe(TRANSMIT, 0, no_header, HEADER, 1);
  describe(TRANSMIT, 1, frame, length, 0);
  offer(TRANSMIT, 0);
  while (used(TRANSMIT)[1] != available(TRANSMIT)[1]) {
  }
}

static int busy(const char *line) {
  while (*line != 0 && *line != ' ') {
    line++;
  }
  return line[0] == ' ' && line[1] == 'b';
}

int main(uint32_t magic, const uint32_t *information) {
  (void)magic;
  uint32_t slot = find(0x10001af4);
  io = pci(slot, 0x10) & ~3;
  uint32_t line = pci(slot, 0x3c) & 0xff;
  out8(io + 18, 0);
  out8(io + 18, 3);
  check((in32(io) & 0x20) != 0, "a MAC address");
  print("MTU ");
  print_hex(in16(io + 30));
  print("\n");
  place(RECEIVE);
  place(TRANSMIT);
  available(TRANSMIT)[0] = 1;
  for (int i = 0; i < BUFFERS; i++) {
    describe(RECEIVE, i, buffers[i], BUFFER, 2);
    offer(RECEIVE, i);
  }
  out8(io + 18, 7);
  uint8_t hello[60] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  for (int i = 0; i < 6; i++) {
    hello[6 + i] = in8(io + 20 + i);
  }
  hello[12] = 0x88;
  hello[13] = 0xb5;
  send(hello, sizeof hello);
  int computing = busy((const char *)information[4]);
  for (uint16_t taken = 0;;) {
    uint32_t seen = interrupts[line];
    open_line(line);
    if (computing) {
      __asm__ volatile("sti");
      while (interrupts[line] == seen) {
      }
      __asm__ volatile("cli");
    } else {
      while (interrupts[line] == seen) {
        __asm__ volatile("sti; hlt; cli");
      }
    }
    check((in8(io + 19) & 1) != 0, "interrupt status");
    while (taken != used(RECEIVE)[1]) {
      volatile uint32_t *element = (volatile uint32_t *)(used(RECEIVE) + 2) + 2 * (taken % QUEUE);
      uint32_t index = element[0];
      uint8_t *frame = buffers[index] + HEADER;
      for (int i = 0; i < 6; i++) {
        frame[i] = frame[6 + i];
        frame[6 + i] = hello[6 + i];
      }
      send(frame, element[1] - HEADER);
      int last = frame[14] == 'e';
      taken++;
      offer(RECEIVE, index);
      if (last) {
        print("SUCCESS\n");
        return 0;
      }
    }
  }
}
