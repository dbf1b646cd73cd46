// SPDX-License-Identifier: ISC

// Prints the boot info and the manifest copy.
#include "guest.h"

int main(const char *arguments) {
  (void)arguments;
  print("boot_info 0x%lx\n", (uint64_t)boot);
  print("memory_size 0x%lx\n", boot->memory_size);
  print("kernel_end 0x%lx\n", boot->kernel_end);
  print("tsc_frequency %lu\n", boot->tsc_frequency);
  print("command_line 0x%lx '%s'\n", (uint64_t)boot->command_line, boot->command_line);
  print("manifest 0x%lx\n", (uint64_t)boot->manifest);
  print("host_features 0x%x\n", boot->host_features);
  print("guest_features 0x%x\n", boot->guest_features);
  print("net_ring 0x%lx\n", boot->net_ring);

  print("manifest version %u entries %u\n", boot->manifest->version, boot->manifest->entries);
  for (uint64_t handle = 0; handle < boot->manifest->entries; handle++) {
    const struct device *device = device_of(handle);
    print("device %lu name '%s' type 0x%x attached %u", handle, device->name, device->type, device->attached);
    if (device->type == BLOCK_BASIC) {
      print(" capacity %lu block_size %u", device->block.capacity, device->block.block_size);
    }
    if (device->type == NET_BASIC) {
      const uint8_t *mac = device->net.mac;
      print(" mac %02x:%02x:%02x:%02x:%02x:%02x mtu %u", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5],
            device->net.mtu);
    }
    print("\n");
  }
  return success();
}
