// SPDX-License-Identifier: ISC
//
// Replays changed and cut recordings on a kernel that answers anything, with the compiler's checks of memory switched
// on: whatever a recording says, the replayer reads and hands to the kernel only what is its own.
//
//   hostile RECORDING COUNT

#include "recording.h"

#include <stdio.h>
#include <stdlib.h>

volatile int alarmed;

static volatile u8 sink;

static u64 seed = 1;

// Leaks are not looked for: what a recording opens and does not close ends with the program.
const char *__asan_default_options(void);
const char *__asan_default_options(void) {
  return "detect_leaks=0";
}

static u64 any(u64 limit) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return seed % limit;
}

// What a kernel does with memory: it may read it and may write it.
static void touch(u64 address, u64 byte_size, int write) {
  u8 *bytes = (u8 *)address;
  for (u64 i = 0; i < byte_size; i++) {
    sink = bytes[i];
    if (write && any(4) == 0) {
      bytes[i] = (u8)any(256);
    }
  }
}

static i64 request(u32 request, u64 argument) {
  const u8 *bytes = (const u8 *)argument;
  touch(argument, request >> 16 & 0x1fff, 0);
  if (request == VM_RUN_14) {
    touch(read_u64(bytes + 8), read_u64(bytes + 16), 1);
    touch(read_u64(bytes + 24), EXIT_BYTE_SIZE, 1);
  }
  if (request == VM_GET_REGISTER_SET || request == VM_SET_REGISTER_SET) {
    touch(read_u64(bytes + 8), 4ul * read_u32(bytes + 4), 0);
    touch(read_u64(bytes + 16), 8ul * read_u32(bytes + 4), request == VM_GET_REGISTER_SET);
  }
  touch(argument, request >> 16 & 0x1fff, (request & 0x40000000) != 0);
  return any(8) == 0 ? -22 : 0;
}

static i64 value(u64 name, u64 name_size, u64 old, u64 old_size, u64 wanted, u64 wanted_size) {
  touch(name, name_size, 0);
  touch(old_size, old_size == 0 ? 0 : 8, 0);
  touch(old, old == 0 || old_size == 0 ? 0 : read_u64((const u8 *)old_size), 1);
  touch(wanted, wanted == 0 ? 0 : wanted_size, 0);
  return 0;
}

i64 system_call(u64 number, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f) {
  enum { LARGEST = 1 << 21, REQUESTS = 20 };
  static u64 left, descriptors = 3;
  switch (number) {
  case SYS_open:
    touch(a, 1, 0);
    return (i64)(3 + descriptors++ % 100);
  case SYS_mmap:
    if (a != 0 || (d & ~(u64)(MAP_SHARED | MAP_NOCORE)) != 0) {
      abort();
    }
    return b == 0 || b > LARGEST ? -12 : (i64)(u64)malloc(b);
  case SYS_munmap:
    free((void *)a);
    return 0;
  case SYS_ioctl:
    if (left != 0 && --left == 0) {
      alarmed = 1;
    }
    return request((u32)b, c);
  case SYS_sysctlbyname:
    return value(a, b, c, d, e, f);
  case SYS_setitimer:
    left = (((const u64 *)b)[2] | ((const u64 *)b)[3]) != 0 ? REQUESTS : 0;
    return 0;
  case SYS_write:
    touch(b, c, 0);
    return (i64)c;
  case SYS_getpid:
    return 7;
  case SYS_close:
  case SYS_minherit:
  case SYS_madvise:
    return 0;
  default:
    abort();
  }
}

// Changes a recording in some places: a bit, a byte, or a number that is at the edge of something.
static void change(u8 *bytes, u64 byte_size) {
  static const u32 edges[] = {0, 1, 7, 8, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffff8, 6, 0x1000};
  for (u64 count = 1 + any(4); count > 0; count--) {
    u64 at = any(byte_size);
    switch (any(3)) {
    case 0:
      bytes[at] ^= (u8)(1 << any(8));
      break;
    case 1:
      bytes[at] = (u8)any(256);
      break;
    default:
      at &= ~3ul;
      if (at + 4 <= byte_size) {
        memcpy(bytes + at, &edges[any(sizeof(edges) / sizeof(*edges))], 4);
      }
    }
  }
}

int main(int count, char **arguments) {
  FILE *file = count == 3 ? fopen(arguments[1], "rb") : 0;
  if (file == 0) {
    return 2;
  }
  fseek(file, 0, SEEK_END);
  u64 size = (u64)ftell(file);
  rewind(file);
  u8 *whole = malloc(size);
  if (fread(whole, 1, size, file) != size) {
    return 2;
  }
  for (long left = atol(arguments[2]); left > 0; left--) {
    u64 part = any(4) == 0 ? any(size + 1) : size;
    u8 *bytes = malloc(part == 0 ? 1 : part); // as big as it says, so that reading on is noticed
    memcpy(bytes, whole, part);
    if (part != 0) {
      change(bytes, part);
    }
    replay(bytes, part);
    free(bytes);
  }
  free(whole);
  printf("hostile: %s recordings\n", arguments[2]);
  return 0;
}
