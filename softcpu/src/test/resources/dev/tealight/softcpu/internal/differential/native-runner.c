// SPDX-License-Identifier: ISC
/*
 * Executes instruction sequences on the real processor, for comparison.
 *
 * Reads cases from standard input and writes results to standard output until the input ends. A case
 * sets the registers, one page of data and the code; it ends at the first trap, which the code's
 * last byte, INT3, guarantees unless it loops (then SIGALRM ends it). All of a case's state is
 * installed by returning from a signal handler, and collected in the handler of its trap.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#define CODE_ADDRESS 0x10000000UL
#define DATA_ADDRESS 0x20000000UL
#define PAGE 4096
#define CODE_BYTES 256

struct test_case {
    uint64_t gpr[16]; /* in the processor's order: rax rcx rdx rbx rsp rbp rsi rdi r8... */
    uint64_t rflags;
    uint8_t fxsave[512];
    uint8_t code[CODE_BYTES];
    uint8_t data[PAGE];
};

struct result {
    uint64_t gpr[16];
    uint64_t rflags;
    uint64_t rip;
    uint64_t vector; /* 255: the case ran out of time */
    uint64_t error_code;
    uint64_t address;
    uint8_t fxsave[512];
    uint8_t data[PAGE];
};

static const int order[16] = {
    REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
    REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
};

static struct test_case current;
static struct result outcome;
static sigjmp_buf finished;

static void install(int signal, siginfo_t *info, void *context) {
    ucontext_t *uc = context;
    (void)signal;
    (void)info;
    for (int i = 0; i < 16; i++)
        uc->uc_mcontext.gregs[order[i]] = (greg_t)current.gpr[i];
    uc->uc_mcontext.gregs[REG_EFL] = (greg_t)current.rflags;
    uc->uc_mcontext.gregs[REG_RIP] = CODE_ADDRESS;
    uint8_t *fp = (uint8_t *)uc->uc_mcontext.fpregs;
    memcpy(fp, current.fxsave, 464); /* what follows is the kernel's */
    uint32_t magic;
    memcpy(&magic, fp + 464, 4);
    if (magic == 0x46505853) { /* an XSAVE image follows: say that x87 and SSE are in use */
        uint64_t in_use;
        memcpy(&in_use, fp + 512, 8);
        in_use |= 3;
        memcpy(fp + 512, &in_use, 8);
    }
}

static void collect(int signal, siginfo_t *info, void *context) {
    ucontext_t *uc = context;
    (void)info;
    for (int i = 0; i < 16; i++)
        outcome.gpr[i] = (uint64_t)uc->uc_mcontext.gregs[order[i]];
    outcome.rflags = (uint64_t)uc->uc_mcontext.gregs[REG_EFL];
    outcome.rip = (uint64_t)uc->uc_mcontext.gregs[REG_RIP];
    outcome.vector = signal == SIGVTALRM ? 255 : (uint64_t)uc->uc_mcontext.gregs[REG_TRAPNO];
    outcome.error_code = (uint64_t)uc->uc_mcontext.gregs[REG_ERR];
    outcome.address = (uint64_t)uc->uc_mcontext.gregs[REG_CR2];
    memcpy(outcome.fxsave, uc->uc_mcontext.fpregs, 464);
    siglongjmp(finished, 1);
}

static void handle(int signal, void (*handler)(int, siginfo_t *, void *)) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    sigaction(signal, &action, NULL);
}

static int read_fully(void *to, size_t bytes) {
    return fread(to, bytes, 1, stdin) == 1;
}

int main(void) {
    uint8_t *code = mmap((void *)CODE_ADDRESS, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    uint8_t *data = mmap((void *)DATA_ADDRESS, PAGE, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (code != (void *)CODE_ADDRESS || data != (void *)DATA_ADDRESS) {
        perror("mmap");
        return 1;
    }
    stack_t stack;
    memset(&stack, 0, sizeof stack);
    stack.ss_size = 1 << 16;
    stack.ss_sp = malloc(stack.ss_size);
    sigaltstack(&stack, NULL);
    handle(SIGUSR1, install);
    int traps[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGVTALRM};
    for (unsigned i = 0; i < sizeof traps / sizeof traps[0]; i++)
        handle(traps[i], collect);

    while (read_fully(&current, sizeof current)) {
        memset(code, 0xCC, PAGE);
        memcpy(code, current.code, CODE_BYTES);
        memcpy(data, current.data, PAGE);
        memset(&outcome, 0, sizeof outcome);
        struct itimerval limit = {{0, 0}, {1, 0}};
        setitimer(ITIMER_VIRTUAL, &limit, NULL);
        if (sigsetjmp(finished, 0) == 0)
            raise(SIGUSR1);
        memcpy(outcome.data, data, PAGE);
        fwrite(&outcome, sizeof outcome, 1, stdout);
        fflush(stdout);
    }
    return 0;
}
