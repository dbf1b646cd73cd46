// SPDX-License-Identifier: ISC

// What every image carries besides its manifest.
#include "guest.h"

extern const struct abi_note abi_note;
__attribute__((section(".note.solo5.abi"), aligned(4))) const struct abi_note {
  uint32_t name_size, content_size, type;
  char name[8];
  uint32_t target, version, reserved[2];
} abi_note = {6, 16, 0x31494241, "Solo5", 1, 2, {0}};

// Makes a host refuse to execute the image: there is no such interpreter.
__attribute__((section(".interp"))) const char interpreter[] = "/nonexistent/hvt-guest/";
