// SPDX-License-Identifier: ISC

// Prints the MTU of the device "service0".
#include "guest.h"

MANIFEST(NET("service0"));

int main(const char *arguments) {
  (void)arguments;
  uint64_t handle = device_handle("service0", NET_BASIC);
  if (!handle) return failure("no device service0");
  print("MTU is %u\n", device_of(handle)->net.mtu);
  return success();
}
