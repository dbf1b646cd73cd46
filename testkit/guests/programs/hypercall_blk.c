// SPDX-License-Identifier: ISC

// hypercall with a block device, handle 1.
#include "hypercall.c"

MANIFEST(BLOCK("storage"));
