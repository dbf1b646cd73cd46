// SPDX-License-Identifier: ISC
package dev.tealight.ffi.posix;

/**
 * Numbers of FreeBSD on amd64, checked against facts by tests. {@code PROT_READ}, {@code
 * PROT_WRITE}, {@code MAP_SHARED}, {@code POLLIN}, {@code pollfd} and {@code timespec} are as on
 * Linux: {@link LinuxAbi} has them.
 */
public final class FreeBsdAbi {
  public static final int O_RDWR = 2;
  public static final int O_CLOEXEC = 0x100000;
  public static final int EFD_NONBLOCK = 0x4;
  public static final int EFD_CLOEXEC = 0x100000;

  public static final int MAP_NOCORE = 0x20000;
  public static final int INHERIT_NONE = 2;

  private FreeBsdAbi() {}
}
