// SPDX-License-Identifier: ISC

// Exit status N: any number, negative ones too.
#include "guest.h"

int main(const char *arguments) { return (int)next_number(&arguments, 0); }
