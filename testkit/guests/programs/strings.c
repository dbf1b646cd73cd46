// SPDX-License-Identifier: ISC

// String instructions: both directions, overlap, count 0, every width, and where the registers end.
#include "guest.h"

static uint8_t bytes[64] __attribute__((aligned(8)));
static int wrong;

static void check(const char *name, bool right) {
  print("%s%s\n", name, right ? "" : " wrong");
  if (!right) wrong++;
}

static void fill(void) {
  for (int i = 0; i < 64; i++) bytes[i] = i;
}

int main(const char *arguments) {
  (void)arguments;
  uint8_t *to, *from;
  uint64_t count;

  fill();
  to = bytes + 32, from = bytes, count = 16;
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
  check("rep movsb", bytes[32] == 0 && bytes[47] == 15 && bytes[48] == 48);
  check("registers after rep movsb", to == bytes + 48 && from == bytes + 16 && count == 0);

  fill();
  to = bytes + 1, from = bytes, count = 8;
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
  check("overlap forwards", bytes[1] == 0 && bytes[8] == 0 && bytes[9] == 9);

  fill();
  to = bytes + 18, from = bytes + 17, count = 8;
  __asm__ volatile("std; rep movsb; cld" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
  check("overlap backwards", bytes[10] == 10 && bytes[11] == 10 && bytes[18] == 17 && bytes[19] == 19);
  check("registers after std", to == bytes + 10 && from == bytes + 9 && count == 0);

  fill();
  to = bytes, from = bytes + 32, count = 0;
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
  check("count 0", bytes[0] == 0 && to == bytes && from == bytes + 32);

  fill();
  to = bytes, from = bytes + 32, count = 3;
  __asm__ volatile("rep movsw" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
  check("rep movsw", bytes[5] == 37 && bytes[6] == 6 && to == bytes + 6);
  to = bytes, from = bytes + 32, count = 3;
  __asm__ volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
  check("rep movsl", bytes[11] == 43 && bytes[12] == 12 && to == bytes + 12);
  to = bytes, from = bytes + 32, count = 3;
  __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
  check("rep movsq", bytes[23] == 55 && bytes[24] == 24 && to == bytes + 24);

  to = bytes, count = 5;
  __asm__ volatile("rep stosl" : "+D"(to), "+c"(count) : "a"(0x04030201) : "memory");
  check("rep stosl", bytes[0] == 1 && bytes[19] == 4 && bytes[20] == 52 && to == bytes + 20);

  fill();
  bool found;
  to = bytes, count = 64;
  __asm__ volatile("repne scasb" : "+D"(to), "+c"(count), "=@ccz"(found) : "a"(40) : "memory");
  check("repne scasb finds", found && to == bytes + 41 && count == 23);
  to = bytes, count = 64;
  __asm__ volatile("repne scasb" : "+D"(to), "+c"(count), "=@ccz"(found) : "a"(200) : "memory");
  check("repne scasb ends", !found && to == bytes + 64 && count == 0);

  for (int i = 0; i < 16; i++) bytes[32 + i] = bytes[i];
  bytes[32 + 9] ^= 1;
  to = bytes, from = bytes + 32, count = 16;
  __asm__ volatile("repe cmpsb" : "+D"(to), "+S"(from), "+c"(count), "=@ccz"(found) : : "memory");
  check("repe cmpsb", !found && to == bytes + 10 && count == 6);

  from = bytes + 3;
  uint64_t loaded = 0x5555555555555555;
  __asm__ volatile("lodsb" : "+S"(from), "+a"(loaded) : : "memory");
  check("lodsb", from == bytes + 4 && loaded == 0x5555555555555503);

  return wrong ? failure("string instructions") : success();
}
