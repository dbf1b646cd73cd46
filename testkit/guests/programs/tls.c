// SPDX-License-Identifier: ISC

// Two thread blocks, switched by the FS base; each starts with the image's initial values.
#include "guest.h"

extern char tls_start[], tdata_end[], tls_end[];

static _Thread_local volatile uint64_t initialised = 0x1122334455667788;
static _Thread_local volatile uint64_t zero;

// Thread-local variables lie directly below the address in FS base.
struct thread {
  _Alignas(16) char variables[64];
  void *self;
};

static struct thread one, two;

static void thread_init(struct thread *thread) {
  char *start = (char *)&thread->self - (tls_end - tls_start);
  memcpy(start, tls_start, tdata_end - tls_start);
  thread->self = &thread->self;
}

static void thread_enter(struct thread *thread) { wrmsr(MSR_FS_BASE, (uint64_t)&thread->self); }

int main(const char *arguments) {
  (void)arguments;
  thread_init(&one);
  thread_init(&two);

  thread_enter(&one);
  if (initialised != 0x1122334455667788 || zero != 0) return failure("initial values of the first thread");
  initialised = 1;
  zero = 2;

  thread_enter(&two);
  if (initialised != 0x1122334455667788 || zero != 0) return failure("initial values of the second thread");
  initialised = 3;

  thread_enter(&one);
  return initialised == 1 && zero == 2 ? success() : failure("values of the first thread");
}
