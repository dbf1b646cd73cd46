// SPDX-License-Identifier: ISC
package dev.tealight.ffi.posix;

import static java.lang.foreign.MemoryLayout.paddingLayout;
import static java.lang.foreign.MemoryLayout.sequenceLayout;
import static java.lang.foreign.MemoryLayout.structLayout;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
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

  public static final int POLLOUT = 4;

  public static final int AF_UNIX = 1;
  public static final int AF_INET = 2;
  public static final int SOCK_STREAM = 1;
  public static final int SOCK_DGRAM = 2;
  public static final int SOCK_NONBLOCK = 0x800;
  public static final int SOCK_CLOEXEC = 0x80000;

  /** Makes any descriptor non-blocking. */
  public static final int FIONBIO = 0x5421;

  public static final int SIOCGIFFLAGS = 0x8913;
  public static final int SIOCGIFMTU = 0x8921;
  public static final int SIOCETHTOOL = 0x8946;
  public static final int ETHTOOL_SGSO = 0x24;
  public static final int ETHTOOL_SGRO = 0x2c;
  public static final int IFF_UP = 1;

  public static final int TUNSETIFF = 0x400454ca;
  public static final int TUNGETIFF = 0x800454d2;
  public static final int IFF_TAP = 2;
  public static final int IFF_NO_PI = 0x1000;
  public static final int IFF_VNET_HDR = 0x4000;

  public static final int ENOSYS = 38;

  public static final int SA_RESTART = 0x10000000;
  public static final int SA_ONSTACK = 0x08000000;
  public static final long SIG_DFL = 0;
  public static final long SIG_IGN = 1;

  /** The first real-time signal that the C library leaves to programs. */
  public static final int SIGRTMIN = 34;

  public static final StructLayout POLLFD =
      structLayout(
              JAVA_INT.withName("fd"),
              JAVA_SHORT.withName("events"),
              JAVA_SHORT.withName("revents"))
          .withName("pollfd");

  public static final StructLayout TIMESPEC =
      structLayout(JAVA_LONG.withName("tv_sec"), JAVA_LONG.withName("tv_nsec"))
          .withName("timespec");

  /** A request about a network interface; the union holds flags, MTU or an address. */
  public static final StructLayout IFREQ =
      structLayout(
              sequenceLayout(16, JAVA_BYTE).withName("ifr_name"),
              sequenceLayout(3, JAVA_LONG).withName("ifr_ifru"))
          .withName("ifreq");

  public static final StructLayout SOCKADDR_UN =
      structLayout(
              JAVA_SHORT.withName("sun_family"),
              sequenceLayout(108, JAVA_BYTE).withName("sun_path"))
          .withName("sockaddr_un");

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
