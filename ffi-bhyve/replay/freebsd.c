// SPDX-License-Identifier: ISC
//
// The replayer as a program of FreeBSD on amd64, without its C library: it may be the only program of a system.
//
//   replay [FILE...]
//
// As process 1 it reads /recordings unless told otherwise, and switches the machine off at the end.

#include "system.h"

volatile int alarmed;

// Says to the kernel that this is a program for FreeBSD 13 or newer.
__attribute__((section(".note.tag"), used, aligned(4))) static const struct {
  u32 name_size, value_size, type;
  char name[8];
  u32 value;
} abi_note = {8, 4, 1, "FreeBSD", 1300139};

// The kernel takes the number in rax, and leaves the carry flag set and the errno in rax if the call failed. It
// clears r8, r9 and r10, and may set rdx.
i64 system_call(u64 number, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f) {
  register u64 r10 __asm__("r10") = d;
  register u64 r8 __asm__("r8") = e;
  register u64 r9 __asm__("r9") = f;
  u64 result = number;
  int failed;
  __asm__ volatile("syscall"
                   : "+a"(result), "=@ccc"(failed), "+d"(c), "+r"(r10), "+r"(r8), "+r"(r9)
                   : "D"(a), "S"(b)
                   : "rcx", "r11", "memory");
  return failed ? -(i64)result : (i64)result;
}

void *memcpy(void *to, const void *from, u64 byte_size) {
  u8 *target = to;
  const u8 *source = from;
  while (byte_size-- != 0) {
    *target++ = *source++;
  }
  return to;
}

void *memset(void *to, int value, u64 byte_size) {
  u8 *target = to;
  while (byte_size-- != 0) {
    *target++ = (u8)value;
  }
  return to;
}

static void on_alarm(int signal) {
  (void)signal;
  alarmed = 1;
}

// A guest that does not come out is called out by a signal.
static void catch_alarms(void) {
  static struct {
    void (*handler)(int);
    int flags;
    u32 mask[4];
  } action = {on_alarm, 0, {0}};
  _Static_assert(sizeof(action) == 32, "struct sigaction");
  system_call(SYS_sigaction, SIGALRM, (u64)&action, 0, 0, 0, 0);
}

#ifdef RECORDINGS
__asm__(".section .rodata\n.balign 8\nrecordings:\n.incbin \"" RECORDINGS "\"\nrecordings_end:\n.text\n");
extern const u8 recordings[], recordings_end[];
#endif

static void replay_file(const char *path) {
  print(path);
  i64 file = system_call(SYS_open, (u64)path, O_RDONLY, 0, 0, 0, 0);
  i64 size = file < 0 ? file : system_call(SYS_lseek, (u64)file, 0, SEEK_END, 0, 0, 0);
  i64 bytes = size <= 0 ? size : system_call(SYS_mmap, 0, (u64)size, PROT_READ, MAP_PRIVATE, (u64)file, 0);
  replay((const u8 *)bytes, bytes <= 0 ? 0 : (u64)size);
}

static int replay_all(u64 count, const char *const *paths) {
#ifdef RECORDINGS
  (void)count;
  (void)paths;
  replay(recordings, (u64)(recordings_end - recordings));
#else
  for (u64 i = 1; i < count; i++) {
    replay_file(paths[i]);
  }
#endif
  return finish();
}

// The first program of a system has no open files, and perhaps no vmm.ko loaded.
static void be_first(void) {
  enum { RB_AUTOBOOT = 0, RB_POWEROFF = 0x4000 };
  static const u64 two_seconds[2] = {2, 0};
  static const char *const paths[] = {"", "/recordings"};
  set_console(system_call(SYS_open, (u64) "/dev/console", O_RDWR, 0, 0, 0, 0));
  i64 loaded = system_call(SYS_kldload, (u64) "vmm", 0, 0, 0, 0, 0);
  if (loaded < 0 && loaded != -EEXIST) {
    print_failure("kldload vmm", loaded);
  }
  replay_all(2, paths);
  system_call(SYS_nanosleep, (u64)two_seconds, 0, 0, 0, 0, 0); // for the console to have it all
  system_call(SYS_reboot, RB_POWEROFF, 0, 0, 0, 0, 0);
  system_call(SYS_reboot, RB_AUTOBOOT, 0, 0, 0, 0, 0);
}

// The kernel passes the address of the number of arguments, behind which the arguments are.
__attribute__((noreturn, used)) void _start(const u64 *arguments) {
  catch_alarms();
  if (system_call(SYS_getpid, 0, 0, 0, 0, 0, 0) == 1) {
    be_first();
  }
  int result = replay_all(arguments[0], (const char *const *)(arguments + 1));
  for (;;) {
    system_call(SYS_exit, (u64)result, 0, 0, 0, 0, 0);
  }
}
