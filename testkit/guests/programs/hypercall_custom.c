// SPDX-License-Identifier: ISC

// hypercall with a device of a type that Solo5 does not know, handle 1: for devices and hypercalls of an embedder's own.
#include "hypercall.c"

MANIFEST({.name = "custom", .type = 3});
