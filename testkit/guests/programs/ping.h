// SPDX-License-Identifier: ISC

// A responder for ARP, ICMP echo and UDP on any port, on INTERFACES net devices, 10.0.0.2 on the first and 10.1.0.2 on the second.
#pragma once

#include "guest.h"

#define FRAME_SIZE 65536
#define LIMIT 100000

enum { ETHERNET = 14, IP = 20, ICMP = 8, UDP = 8, PROTOCOL_ICMP = 1, PROTOCOL_UDP = 17 };
enum { ETHERTYPE_IP = 0x0800, ETHERTYPE_ARP = 0x0806, ARP_REQUEST = 1, ARP_REPLY = 2, ECHO_REQUEST = 8 };

struct interface {
  uint64_t handle;
  uint8_t mac[6];
  uint8_t address[4];
};

static struct interface interfaces[INTERFACES];
static uint8_t frame[FRAME_SIZE];
static uint64_t replies;

static uint16_t big_endian(const uint8_t *at) { return at[0] << 8 | at[1]; }

static void put_big_endian(uint8_t *at, uint16_t value) {
  at[0] = value >> 8;
  at[1] = value;
}

static uint16_t checksum(const uint8_t *data, size_t length) {
  uint32_t sum = 0;
  for (size_t i = 0; i + 1 < length; i += 2) sum += big_endian(data + i);
  if (length % 2) sum += data[length - 1] << 8;
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum;
}

static void fill_arp(const struct interface *self, int operation, const uint8_t *target_mac,
                     const uint8_t *target_address) {
  memcpy(frame + 6, self->mac, 6);
  put_big_endian(frame + 12, ETHERTYPE_ARP);
  uint8_t *arp = frame + ETHERNET;
  static const uint8_t ethernet_and_ip[] = {0, 1, 8, 0, 6, 4};
  memcpy(arp, ethernet_and_ip, 6);
  put_big_endian(arp + 6, operation);
  memcpy(arp + 18, target_mac, 6);
  memcpy(arp + 24, target_address, 4);
  memcpy(arp + 8, self->mac, 6);
  memcpy(arp + 14, self->address, 4);
}

static bool announce(const struct interface *self) {
  static const uint8_t nobody[6];
  memset(frame, 0xff, 6);
  fill_arp(self, ARP_REQUEST, nobody, self->address);
  return hvt_net_write(self->handle, frame, ETHERNET + 28) == HVT_OK;
}

// Turns the frame into its answer; false if there is none.
static bool answer(const struct interface *self, uint64_t length) {
  uint8_t *packet = frame + ETHERNET;
  int type = big_endian(frame + 12);
  if (type == ETHERTYPE_ARP && length >= ETHERNET + 28) {
    if (big_endian(packet + 6) != ARP_REQUEST || memcmp(packet + 24, self->address, 4)) return false;
    uint8_t asker[10];
    memcpy(asker, packet + 8, 10);
    memcpy(frame, asker, 6);
    fill_arp(self, ARP_REPLY, asker, asker + 6);
    return true;
  }
  if (type != ETHERTYPE_IP || length < ETHERNET + IP + ICMP) return false;
  uint16_t total = big_endian(packet + 2);
  bool plain = packet[0] == 0x45 && total >= IP + ICMP && total <= length - ETHERNET;
  if (!plain || memcmp(packet + 16, self->address, 4)) return false;
  if (packet[9] == PROTOCOL_UDP) {
    // With ports and addresses exchanged, the checksum is the same.
    uint8_t port[2];
    memcpy(port, packet + IP, 2);
    memcpy(packet + IP, packet + IP + 2, 2);
    memcpy(packet + IP + 2, port, 2);
  } else if (packet[9] == PROTOCOL_ICMP && packet[IP] == ECHO_REQUEST) {
    uint8_t *icmp = packet + IP;
    icmp[0] = 0;
    put_big_endian(icmp + 2, 0);
    put_big_endian(icmp + 2, checksum(icmp, total - IP));
  } else {
    return false;
  }
  memcpy(frame, frame + 6, 6);
  memcpy(frame + 6, self->mac, 6);
  memcpy(packet + 16, packet + 12, 4);
  memcpy(packet + 12, self->address, 4);
  replies++;
  return true;
}

static bool serve(const struct interface *self) {
  uint64_t length = sizeof frame;
  if (hvt_net_read(self->handle, frame, &length) != HVT_OK) return false;
  return !answer(self, length) || hvt_net_write(self->handle, frame, length) == HVT_OK;
}

int main(const char *arguments) {
  bool limited = word_is(next_word(&arguments), "limit");
  uint64_t limit = limited ? next_number(&arguments, LIMIT) : UINT64_MAX;
  for (int i = 0; i < INTERFACES; i++) {
    struct interface *self = &interfaces[i];
    self->handle = device_handle(i ? "service1" : "service0", NET_BASIC);
    if (!self->handle) return failure("a net device is missing");
    memcpy(self->mac, device_of(self->handle)->net.mac, 6);
    memcpy(self->address, (uint8_t[]){10, i, 0, 2}, 4);
    if (!announce(self)) return failure("sending the first frame");
  }
  print("serving ping\n");
  while (replies < limit) {
    uint64_t ready = hvt_poll(SECOND).ready_set;
    for (int i = 0; i < INTERFACES; i++) {
      if (!(ready >> interfaces[i].handle & 1)) continue;
      if (!serve(&interfaces[i])) return failure("a device was reported ready, but its frame was not");
    }
  }
  print("%lu replies\n", replies);
  return success();
}
