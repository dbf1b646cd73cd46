// SPDX-License-Identifier: ISC

// The linker takes this one for programs that declare no MANIFEST.
#include "guest.h"

MANIFEST();
