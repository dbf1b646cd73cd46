// SPDX-License-Identifier: ISC

// What the page tables allow: nothing in low memory but reading boot info and what follows, nothing above memory.
#include "guest.h"

static int wrong;

static void expect(const char *access, uint64_t address) {
  char found[] = "--";
  if (can_read((void *)address)) found[0] = 'r';
  if (can_write((void *)address)) found[1] = 'w';
  print("0x%lx %s", address, found);
  if (!equal(found, access)) wrong++, print(" expected %s", access);
  print("\n");
}

int main(const char *arguments) {
  (void)arguments;
  for (uint64_t page = 0; page < 16; page++) expect("--", page << 12 | 8);
  for (uint64_t page = 16; page < 256; page += 16) expect("r-", page << 12);
  expect("r-", 0xfffff);
  expect("rw", (uint64_t)heap_start);
  expect("rw", boot->memory_size - 1);
  expect("--", boot->memory_size + (2 << 20));
  expect("--", 1ull << 32);
  expect("--", 1ull << 39);
  expect("--", -1ull << 47);
  expect("--", -1ull);
  return wrong ? failure("access rights") : success();
}
