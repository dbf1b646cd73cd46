// SPDX-License-Identifier: ISC

// net by the shared ring, where it is offered and a frame fits.
#include "ring.h"

#define hvt_net_write ring_write
#define hvt_net_read ring_read
#include "net.c"
