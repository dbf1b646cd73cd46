// SPDX-License-Identifier: ISC

// hypercall with a net device, handle 1.
#include "hypercall.c"

MANIFEST(NET("service0"));
