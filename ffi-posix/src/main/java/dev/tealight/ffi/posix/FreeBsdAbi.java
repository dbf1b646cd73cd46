// SPDX-License-Identifier: ISC
package dev.tealight.ffi.posix;

import static java.lang.foreign.MemoryLayout.sequenceLayout;
import static java.lang.foreign.MemoryLayout.structLayout;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.StructLayout;

/**
 * Numbers of FreeBSD on amd64, checked against facts by tests. {@code PROT_READ}, {@code
 * PROT_WRITE}, {@code MAP_SHARED}, {@code POLLIN}, {@code AF_INET}, {@code SOCK_DGRAM}, {@code
 * IFF_UP}, {@code pollfd} and {@code timespec} are as on Linux: {@link LinuxAbi} has them.
 */
public final class FreeBsdAbi {
  public static final int O_RDWR = 2;
  public static final int O_NONBLOCK = 4;
  public static final int O_CLOEXEC = 0x100000;
  public static final int EFD_NONBLOCK = 0x4;
  public static final int EFD_CLOEXEC = 0x100000;

  public static final int MAP_NOCORE = 0x20000;
  public static final int INHERIT_NONE = 2;

  public static final int SOCK_CLOEXEC = 0x10000000;
  public static final int SOCK_NONBLOCK = 0x20000000;

  /** Makes any descriptor non-blocking. */
  public static final int FIONBIO = 0x8004667e;

  public static final int SIOCGIFFLAGS = 0xc0206911;
  public static final int TAPGIFINFO = 0x4008745c;
  public static final int TAPGIFNAME = 0x4020745d;
  public static final int TAPGVNETHDR = 0x4004745e;
  public static final int IFT_ETHER = 6;

  /** A request about a network interface; the union holds flags or an address. */
  public static final StructLayout IFREQ =
      structLayout(
              sequenceLayout(16, JAVA_BYTE).withName("ifr_name"),
              sequenceLayout(2, JAVA_LONG).withName("ifr_ifru"))
          .withName("ifreq");

  public static final StructLayout TAPINFO =
      structLayout(
              JAVA_INT.withName("baudrate"),
              JAVA_SHORT.withName("mtu"),
              JAVA_BYTE.withName("type"),
              JAVA_BYTE.withName("dummy"))
          .withName("tapinfo");

  private FreeBsdAbi() {}
}
