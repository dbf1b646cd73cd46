// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

/**
 * Numbers of FreeBSD's system calls, the same in 13, 14 and 15, by which recordings name them.
 *
 * @see "FreeBSD sys/kern/syscalls.master"
 */
final class FreeBsdCall {
  static final int READ = 3;
  static final int WRITE = 4;
  static final int OPEN = 5;
  static final int CLOSE = 6;
  static final int GETPID = 20;
  static final int IOCTL = 54;
  static final int MUNMAP = 73;
  static final int MADVISE = 75;
  static final int MINHERIT = 250;
  static final int MMAP = 477;
  static final int PPOLL = 545;
  static final int SYSCTLBYNAME = 570;
  static final int SPECIALFD = 577;

  private FreeBsdCall() {}
}
