// SPDX-License-Identifier: ISC

// bootinfo with a net device.
#include "bootinfo.c"

MANIFEST(NET("service0"));
