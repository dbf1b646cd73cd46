// SPDX-License-Identifier: ISC

// threads [TURNS]: threads that take turns, each with a stack, an FS base, SSE and x87 work of its own. They sleep now and
// then, and what is in vector and x87 registers survives hypercalls and changes of the FS base.
#include "guest.h"

#define THREADS 4
#define TURNS_BETWEEN_SLEEPS 50

extern char tls_start[], tdata_end[], tls_end[];

static _Thread_local volatile uint64_t first = 1;  // of the series, from the image
static _Thread_local volatile double sum;
static _Thread_local volatile int64_t cubes;

// Thread-local variables lie directly below the address in FS base.
static struct thread {
  _Alignas(16) char variables[64];
  void *self;
  void *stack_pointer;
  double result;
  int64_t cubes;
  _Alignas(16) uint64_t stack[1024];
} threads[THREADS], boot_thread;

static struct thread *current = &boot_thread;
static uint64_t turns, running;
static int wrong;

// Saves what a called function must keep, MXCSR and x87 control word included.
__attribute__((naked)) static void exchange_stacks(
    __attribute__((unused)) void **from, __attribute__((unused)) void *to) {
  __asm__(
      "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
      "sub $8, %rsp; stmxcsr (%rsp); fnstcw 4(%rsp)\n"
      "mov %rsp, (%rdi)\n mov %rsi, %rsp\n"
      "ldmxcsr (%rsp); fldcw 4(%rsp); add $8, %rsp\n"
      "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
      "ret");
}

static void switch_to(struct thread *next) {
  struct thread *before = current;
  current = next;
  wrmsr(MSR_FS_BASE, (uint64_t)&next->self);
  exchange_stacks(&before->stack_pointer, next->stack_pointer);
}

static void yield(void) {
  int next = (current - threads + 1) % THREADS;
  while (!threads[next].stack_pointer) next = (next + 1) % THREADS;
  if (current != &threads[next]) switch_to(&threads[next]);
}

// Values in registers across a hypercall and a privileged instruction, neither of which may touch them.
__attribute__((noinline)) static void check_registers(uint64_t value) {
  uint64_t vector = 0, x87 = 0;
  __asm__ volatile("movq %0, %%xmm13; fildll %0" : : "m"(value) : "xmm13");
  wrmsr(MSR_FS_BASE, (uint64_t)&current->self);
  hvt_walltime();
  __asm__ volatile("movq %%xmm13, %0; fistpll %1" : "=m"(vector), "=m"(x87));
  if (vector != value || x87 != value) wrong++;
}

static double term(uint64_t n) { return 1.0 / ((double)n * (double)n); }

static int64_t cube(int64_t n) {
  int64_t result;
  __asm__("fildll %1; fld %%st; fmul %%st, %%st; fmulp; fistpll %0" : "=m"(result) : "m"(n));
  return result;
}

static void work(void) {
  for (uint64_t turn = 0; turn < turns; turn++) {
    sum += term(first + turn);
    cubes += cube((int64_t)(first + turn));
    check_registers(first * 1000003 + turn);
    if (turn % TURNS_BETWEEN_SLEEPS == 0) sleep_until(monotonic() + MILLISECOND);
    yield();
  }
  current->result = sum;
  current->cubes = cubes;
  running--;
  struct thread *next = &boot_thread;
  for (int i = 0; running && i < THREADS; i++) {
    if (&threads[i] != current && threads[i].stack_pointer) next = &threads[i];
  }
  struct thread *ended = current;
  current = next;
  ended->stack_pointer = NULL;
  void *nowhere;
  wrmsr(MSR_FS_BASE, (uint64_t)&next->self);
  exchange_stacks(&nowhere, next->stack_pointer);
}

static void create(struct thread *thread, uint64_t number) {
  char *start = (char *)&thread->self - (tls_end - tls_start);
  memcpy(start, tls_start, tdata_end - tls_start);
  thread->self = &thread->self;
  struct thread *before = current;
  wrmsr(MSR_FS_BASE, (uint64_t)&thread->self);
  first += number;
  wrmsr(MSR_FS_BASE, (uint64_t)&before->self);

  uint64_t *stack = thread->stack + 1024;
  *--stack = 0;  // aligned as behind a call
  *--stack = (uint64_t)work;
  for (int i = 0; i < 6; i++) *--stack = 0;
  *--stack = 0x037f00001f80;  // x87 control word, MXCSR
  thread->stack_pointer = stack;
  running++;
}

int main(const char *arguments) {
  turns = next_number(&arguments, 200);
  for (int i = 0; i < THREADS; i++) create(&threads[i], i * 10);
  switch_to(&threads[0]);

  for (int i = 0; i < THREADS; i++) {
    double expected = 0;
    int64_t expected_cubes = 0;
    for (uint64_t turn = 0; turn < turns; turn++) {
      expected += term(1 + i * 10 + turn);
      expected_cubes += cube(1 + i * 10 + turn);
    }
    print("thread %d sum %ld cubes %ld\n", i, (int64_t)(threads[i].result * 1e15), threads[i].cubes);
    if (threads[i].result != expected || threads[i].cubes != expected_cubes) wrong++;
  }
  return wrong ? failure("results or registers") : success();
}
