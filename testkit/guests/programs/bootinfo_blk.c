// SPDX-License-Identifier: ISC

// bootinfo with two block devices.
#include "bootinfo.c"

MANIFEST(BLOCK("first"), BLOCK("second"));
