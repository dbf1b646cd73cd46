// SPDX-License-Identifier: ISC

// frames by the shared ring, where it is offered and a frame fits; but for sizes, since the ring tells nothing of writes.
#include "ring.h"

#define hvt_net_write ring_write
#define hvt_net_read ring_read
#include "frames.c"
