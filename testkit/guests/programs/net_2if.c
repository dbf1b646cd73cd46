// SPDX-License-Identifier: ISC

// net on two devices, "service1" being 10.1.0.2; the limit counts the replies of both.
#include "guest.h"

#define INTERFACES 2
#include "ping.h"

MANIFEST(NET("service0"), NET("service1"));
