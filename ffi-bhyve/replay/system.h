// SPDX-License-Identifier: ISC
//
// What the replayer needs of the machine it runs on: one function that makes a system call of FreeBSD.

#ifndef SYSTEM_H
#define SYSTEM_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
typedef long i64;

_Static_assert(sizeof(u64) == 8 && sizeof(void *) == 8, "made for 64-bit processors");

// FreeBSD's numbers, sys/kern/syscalls.master; the same in 13, 14 and 15.
enum {
  SYS_exit = 1,
  SYS_read = 3,
  SYS_write = 4,
  SYS_open = 5,
  SYS_close = 6,
  SYS_getpid = 20,
  SYS_ioctl = 54,
  SYS_reboot = 55,
  SYS_munmap = 73,
  SYS_madvise = 75,
  SYS_setitimer = 83,
  SYS_nanosleep = 240,
  SYS_minherit = 250,
  SYS_kldload = 304,
  SYS_sigaction = 416,
  SYS_mmap = 477,
  SYS_lseek = 478,
  SYS_ppoll = 545,
  SYS_sysctlbyname = 570,
  SYS_specialfd = 577,
};

enum {
  O_RDONLY = 0,
  O_RDWR = 2,
  SEEK_END = 2,
  PROT_READ = 1,
  PROT_WRITE = 2,
  MAP_SHARED = 1,
  MAP_PRIVATE = 2,
  MAP_NOCORE = 0x20000,
  EINTR = 4,
  EEXIST = 17,
  SIGALRM = 14,
  ITIMER_REAL = 0,
};

// Makes a system call. Returns its result, or the negated errno.
i64 system_call(u64 number, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f);

// Set by the signal of the timer.
extern volatile int alarmed;

// Performs all recordings in these bytes.
void replay(const u8 *bytes, u64 byte_size);

// Prints the last line, with the counts. Returns 0 if there was no difference, 1 if there was one, 2 if something could
// not be read.
int finish(void);

// Prints a line to the console.
void print(const char *text);
void print_failure(const char *what, i64 result);
void set_console(i64 descriptor);

void *memcpy(void *to, const void *from, u64 byte_size);
void *memset(void *to, int value, u64 byte_size);

#endif
