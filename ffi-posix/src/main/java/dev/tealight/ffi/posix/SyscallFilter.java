// SPDX-License-Identifier: ISC
package dev.tealight.ffi.posix;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Takes from this process, for good, what a JVM that runs a started guest does not need: starting
 * programs, writing to files that are not open, sockets, other processes, changing the system.
 *
 * <p>All other system calls fail with {@code EPERM} and do not end the process, since a JVM copes
 * with most refusals and its rarer needs are not all known. Opening files for reading stays, for
 * classes that are loaded later.
 *
 * @see "Linux, Documentation/userspace-api/seccomp_filter.rst; include/uapi/linux/filter.h"
 */
public final class SyscallFilter {

  /** Calls that are let through whatever their arguments, with their numbers on x86-64. */
  enum Allowed {
    // The guest: vCPU, devices, console, waiting.
    READ(0),
    WRITE(1),
    CLOSE(3),
    POLL(7),
    IOCTL(16),
    PREAD64(17),
    PWRITE64(18),
    READV(19),
    WRITEV(20),
    FSYNC(74),
    FDATASYNC(75),
    PPOLL(271),
    EPOLL_WAIT(232),
    EPOLL_CTL(233),
    EPOLL_PWAIT(281),
    EPOLL_PWAIT2(441),
    TIMERFD_SETTIME(286),
    EVENTFD2(290),
    GETRANDOM(318),
    // The JVM: memory, for its heap and its compilers.
    MMAP(9),
    MPROTECT(10),
    MUNMAP(11),
    BRK(12),
    MREMAP(25),
    MINCORE(27),
    MADVISE(28),
    MEMBARRIER(324),
    // Threads and signals.
    RT_SIGACTION(13),
    RT_SIGPROCMASK(14),
    RT_SIGRETURN(15),
    SCHED_YIELD(24),
    NANOSLEEP(35),
    CLONE(56),
    EXIT(60),
    SIGALTSTACK(131),
    PRCTL(157),
    GETTID(186),
    FUTEX(202),
    SCHED_GETAFFINITY(204),
    RESTART_SYSCALL(219),
    CLOCK_GETTIME(228),
    CLOCK_GETRES(229),
    CLOCK_NANOSLEEP(230),
    EXIT_GROUP(231),
    SET_ROBUST_LIST(273),
    GETCPU(309),
    RSEQ(334),
    CLONE3(435),
    // Questions about the process and its host.
    GETPID(39),
    UNAME(63),
    GETTIMEOFDAY(96),
    GETRLIMIT(97),
    GETRUSAGE(98),
    SYSINFO(99),
    TIMES(100),
    GETUID(102),
    GETGID(104),
    GETEUID(107),
    GETEGID(108),
    // Files that are open, and looking for classes.
    STAT(4),
    FSTAT(5),
    LSTAT(6),
    LSEEK(8),
    ACCESS(21),
    FCNTL(72),
    GETCWD(79),
    READLINK(89),
    GETDENTS64(217),
    FADVISE64(221),
    NEWFSTATAT(262),
    READLINKAT(267),
    FACCESSAT(269),
    STATX(332),
    FACCESSAT2(439);

    final int number;

    Allowed(int number) {
      this.number = number;
    }
  }

  static final int OPENAT = 257;
  static final int TGKILL = 234;

  /** What {@code openat} must not be asked for: O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_TMPFILE. */
  private static final int OPEN_FOR_MORE_THAN_READING = 0x1 | 0x2 | 0x40 | 0x200 | 0x400000;

  // struct sock_filter: u16 code, u8 jt, u8 jf, u32 k.
  private static final int INSTRUCTION_BYTE_SIZE = 8;
  private static final short LOAD = 0x20;
  private static final short JUMP_IF_EQUAL = 0x15;
  private static final short JUMP_IF_ANY = 0x45;
  private static final short RETURN = 0x06;

  // struct seccomp_data.
  private static final int NUMBER = 0;
  private static final int ARCHITECTURE = 4;
  private static final int FIRST_ARGUMENT = 16;
  private static final int THIRD_ARGUMENT = 32;

  private static final int AUDIT_ARCH_X86_64 = 0xc000003e;
  private static final int ALLOW = 0x7fff0000;
  private static final int FAIL_WITH_EPERM = 0x00050001;

  private static final int MAX_INSTRUCTIONS = 256;

  private final HostCalls host;
  private final MemorySegment code =
      Arena.ofAuto().allocate((long) MAX_INSTRUCTIONS * INSTRUCTION_BYTE_SIZE, 8);
  private int count;

  /**
   * Prepares a filter for this process; nothing changes yet.
   *
   * @param host where
   */
  public SyscallFilter(HostCalls host) {
    this.host = host;
    write((int) host.getpid());
  }

  /**
   * Confines the process, all its threads included. Cannot be undone.
   *
   * @throws dev.tealight.HostCallException if the host refuses; nothing has changed then, but that
   *     the calling thread may not gain privileges any more
   */
  public void install() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment program = arena.allocate(16, 8);
      program.set(JAVA_SHORT, 0, (short) count);
      program.set(JAVA_LONG, 8, code.address());
      Descriptor.check(host, host.confine(program), "seccomp", "filter for all threads");
    }
  }

  private void write(int process) {
    add(LOAD, 0, 0, ARCHITECTURE);
    add(JUMP_IF_EQUAL, 1, 0, AUDIT_ARCH_X86_64);
    add(RETURN, 0, 0, FAIL_WITH_EPERM);
    add(LOAD, 0, 0, NUMBER);
    for (Allowed call : Allowed.values()) {
      add(JUMP_IF_EQUAL, 0, 1, call.number);
      add(RETURN, 0, 0, ALLOW);
    }
    // Kicks stay in this process.
    add(JUMP_IF_EQUAL, 0, 4, TGKILL);
    add(LOAD, 0, 0, FIRST_ARGUMENT);
    add(JUMP_IF_EQUAL, 0, 1, process);
    add(RETURN, 0, 0, ALLOW);
    add(RETURN, 0, 0, FAIL_WITH_EPERM);
    // Files are opened for reading alone.
    add(JUMP_IF_EQUAL, 0, 4, OPENAT);
    add(LOAD, 0, 0, THIRD_ARGUMENT);
    add(JUMP_IF_ANY, 0, 1, OPEN_FOR_MORE_THAN_READING);
    add(RETURN, 0, 0, FAIL_WITH_EPERM);
    add(RETURN, 0, 0, ALLOW);
    add(RETURN, 0, 0, FAIL_WITH_EPERM);
  }

  /** Adds an instruction; jumps skip as many instructions as they say. */
  private void add(short operation, int ifTrue, int ifFalse, int operand) {
    long at = (long) count++ * INSTRUCTION_BYTE_SIZE;
    code.set(JAVA_SHORT, at, operation);
    code.set(JAVA_BYTE, at + 2, (byte) ifTrue);
    code.set(JAVA_BYTE, at + 3, (byte) ifFalse);
    code.set(JAVA_INT, at + 4, operand);
  }
}
