// SPDX-License-Identifier: ISC

// The kernels, and what they need of the machine that they run on.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kernel {
  const char *name;
  uint64_t (*run)(unsigned scale);
};

// Prints "start", then for each kernel its name, checksum, and ticks of the time-stamp counter.
void run_kernels(unsigned scale);

// Of the machine: writes the line and returns when it has left the machine.
void write_line(const char *text, size_t length);
