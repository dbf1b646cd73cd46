// SPDX-License-Identifier: ISC

// net [limit [REPLIES]]: answers ARP, ping and UDP on "service0" as 10.0.0.2, ends after 100000 replies if limited.
#include "guest.h"

#define INTERFACES 1
#include "ping.h"

MANIFEST(NET("service0"));
