// SPDX-License-Identifier: ISC

// bootinfo with a block device and a net device.
#include "bootinfo.c"

MANIFEST(BLOCK("storage"), NET("service0"));
