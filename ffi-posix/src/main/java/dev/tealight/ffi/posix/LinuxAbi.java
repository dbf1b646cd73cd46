// SPDX-License-Identifier: ISC
package dev.tealight.ffi.posix;

import static java.lang.foreign.MemoryLayout.paddingLayout;
import static java.lang.foreign.MemoryLayout.sequenceLayout;
import static java.lang.foreign.MemoryLayout.structLayout;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.StructLayout;

/**
 * Numbers and structures of Linux and its C libraries on x86-64, checked against facts by tests.
 */
public final class LinuxAbi {
  public static final int O_RDWR = 2;
  public static final int O_NONBLOCK = 0x800;
  public static final int O_CLOEXEC = 0x80000;
  public static final int EFD_NONBLOCK = 0x800;
  public static final int EFD_CLOEXEC = 0x80000;

  public static final int PROT_READ = 1;
  public static final int PROT_WRITE = 2;
  public static final int MAP_SHARED = 1;
  public static final int MAP_PRIVATE = 2;
  public static final int MAP_ANONYMOUS = 0x20;
  public static final int MAP_NORESERVE = 0x4000;
  public static final int MADV_DONTFORK = 10;
  public static final int MADV_HUGEPAGE = 14;
  public static final int MADV_NOHUGEPAGE = 15;
  public static final int MADV_DONTDUMP = 16;

  public static final int POLLIN = 1;
  static final int POLLERR = 8;
  static final int POLLHUP = 16;
  static final int POLLNVAL = 32;

  public static final int ENOSYS = 38;

  public static final int SA_RESTART = 0x10000000;
  public static final int SA_ONSTACK = 0x08000000;
  public static final long SIG_DFL = 0;
  public static final long SIG_IGN = 1;

  /** The first real-time signal that the C library leaves to programs. */
  public static final int SIGRTMIN = 34;

  static final StructLayout POLLFD =
      structLayout(
              JAVA_INT.withName("fd"),
              JAVA_SHORT.withName("events"),
              JAVA_SHORT.withName("revents"))
          .withName("pollfd");

  static final StructLayout TIMESPEC =
      structLayout(JAVA_LONG.withName("tv_sec"), JAVA_LONG.withName("tv_nsec"))
          .withName("timespec");

  /** The C library's, not the kernel's. */
  static final StructLayout SIGACTION =
      structLayout(
              JAVA_LONG.withName("sa_handler"),
              sequenceLayout(16, JAVA_LONG).withName("sa_mask"),
              JAVA_INT.withName("sa_flags"),
              paddingLayout(4),
              JAVA_LONG.withName("sa_restorer"))
          .withName("sigaction");

  private LinuxAbi() {}
}
