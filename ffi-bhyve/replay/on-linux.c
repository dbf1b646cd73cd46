// SPDX-License-Identifier: ISC
//
// Runs the replayer for FreeBSD on Linux, which has no vmm: by tracing it, its system calls become Linux's, and their
// results come back as FreeBSD gives them. Shows that the program starts, reads its files, prints and ends.
//
//   on-linux PROGRAM [ARGUMENT...]

#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CARRY = 1, NONE = -1 };

// Linux's number of a call of FreeBSD; both take the same arguments in the same registers.
static long linux_number(long number) {
  switch (number) {
  case 1:
    return 60; // exit
  case 4:
    return 1; // write
  case 5:
    return 2; // open, without O_CLOEXEC, which has another value
  case 6:
    return 3; // close
  case 20:
    return 39; // getpid
  case 477:
    return 9; // mmap
  case 478:
    return 8; // lseek
  default:
    return NONE; // fails with ENOSYS
  }
}

int main(int count, char **arguments) {
  pid_t child = fork();
  if (child == 0) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    execv(count < 2 ? "" : arguments[1], arguments + 1);
    _exit(127);
  }
  int status;
  struct user_regs_struct registers;
  waitpid(child, &status, 0);
  if (!WIFSTOPPED(status)) {
    return 127;
  }
  // FreeBSD's kernel passes the place of the arguments in rdi, and a stack as at the entry of a function.
  ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
  ptrace(PTRACE_GETREGS, child, 0, &registers);
  registers.rdi = registers.rsp;
  registers.rsp = ((registers.rsp - 8) & ~15ul) + 8;
  ptrace(PTRACE_SETREGS, child, 0, &registers);
  for (int entering = 1;; entering = !entering) {
    ptrace(PTRACE_SYSCALL, child, 0, 0);
    waitpid(child, &status, 0);
    if (WIFEXITED(status)) {
      return WEXITSTATUS(status);
    }
    if (!WIFSTOPPED(status) || WSTOPSIG(status) != (SIGTRAP | 0x80)) {
      fprintf(stderr, "on-linux: the program was stopped by status 0x%x\n", status);
      return 126;
    }
    ptrace(PTRACE_GETREGS, child, 0, &registers);
    if (entering) {
      if ((long)registers.orig_rax == 5) {
        registers.rsi &= 3;
      }
      registers.orig_rax = (unsigned long)linux_number((long)registers.orig_rax);
    } else {
      int failed = (long)registers.rax < 0 && (long)registers.rax > -4096;
      registers.rax = failed ? -registers.rax : registers.rax;
      registers.eflags = failed ? registers.eflags | CARRY : registers.eflags & ~(unsigned long)CARRY;
      registers.rdx = 0xdead; // FreeBSD promises nothing of these
      registers.r8 = registers.r9 = registers.r10 = 0;
    }
    ptrace(PTRACE_SETREGS, child, 0, &registers);
  }
}
