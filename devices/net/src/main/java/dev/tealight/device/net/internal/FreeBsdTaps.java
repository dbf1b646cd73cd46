// SPDX-License-Identifier: ISC
package dev.tealight.device.net.internal;

import dev.tealight.HostCallException;
import dev.tealight.ffi.posix.Descriptor;
import dev.tealight.ffi.posix.FreeBsdAbi;
import dev.tealight.ffi.posix.FreeBsdErrno;
import dev.tealight.ffi.posix.HostCalls;
import dev.tealight.ffi.posix.Ioctl;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Taps of FreeBSD: an interface tapN is the device /dev/tapN.
 *
 * @see "FreeBSD, tap(4); sys/net/if_tap.h, sys/net/if_tuntap.c"
 */
final class FreeBsdTaps extends TapSystem {
  private static final long FLAGS =
      FreeBsdAbi.IFREQ.byteOffset(PathElement.groupElement("ifr_ifru"));
  private static final long MTU = FreeBsdAbi.TAPINFO.byteOffset(PathElement.groupElement("mtu"));
  private static final long TYPE = FreeBsdAbi.TAPINFO.byteOffset(PathElement.groupElement("type"));

  private static final Ioctl GET_FLAGS = new Ioctl("SIOCGIFFLAGS", FreeBsdAbi.SIOCGIFFLAGS);
  private static final Ioctl GET_NAME = new Ioctl("TAPGIFNAME", FreeBsdAbi.TAPGIFNAME);
  private static final Ioctl GET_INFO = new Ioctl("TAPGIFINFO", FreeBsdAbi.TAPGIFINFO);
  private static final Ioctl SET_NON_BLOCKING = new Ioctl("FIONBIO", FreeBsdAbi.FIONBIO);

  FreeBsdTaps(HostCalls host) {
    super(host, FreeBsdAbi.IFREQ, GET_NAME, SET_NON_BLOCKING);
  }

  @Override
  void prepare(Descriptor socket, Arena arena, String name) throws IOException {
    int _ = flags(socket, arena, name);
  }

  @Override
  int attach(Descriptor tap, Descriptor socket, Arena arena, String name) throws IOException {
    int mtu = mtu(tap, arena, name);
    // The host may raise an interface when it is opened, and lowers it when it is closed.
    checkUp(flags(socket, arena, name), name);
    return mtu;
  }

  @Override
  int check(Descriptor tap, MemorySegment answer, Arena arena, String name) throws IOException {
    return mtu(tap, arena, name);
  }

  private int flags(Descriptor socket, Arena arena, String name) throws IOException {
    MemorySegment request = request(arena, name);
    try {
      socket.ioctl(GET_FLAGS, request, name);
    } catch (HostCallException e) {
      if (e.errno() != FreeBsdErrno.ENXIO) {
        throw e;
      }
      throw new IOException(
          "there is no network interface %s: make it with ifconfig %s create up"
              .formatted(name, name),
          e);
    }
    return request.get(ValueLayout.JAVA_SHORT, FLAGS);
  }

  @Override
  Descriptor openDevice(String name) throws IOException {
    String device = "/dev/" + name;
    try {
      return Descriptor.open(host, device, FreeBsdAbi.O_RDWR | FreeBsdAbi.O_NONBLOCK);
    } catch (HostCallException e) {
      String why =
          switch (e.errno()) {
            case FreeBsdErrno.EBUSY -> "is in use by another program or guest";
            case FreeBsdErrno.ENOENT, FreeBsdErrno.ENXIO -> noTap();
            case FreeBsdErrno.EACCES, FreeBsdErrno.EPERM ->
                "belongs to another user: sysctl net.link.tap.user_open=1 && chown USER " + device;
            default -> throw e;
          };
      throw new IOException("network interface %s %s".formatted(name, why), e);
    }
  }

  private static String noTap() {
    return "is no tap: make one with ifconfig tap create";
  }

  private int mtu(Descriptor tap, Arena arena, String name) throws IOException {
    MemorySegment info = arena.allocate(FreeBsdAbi.TAPINFO);
    long result = host.ioctl(tap.number(), GET_INFO.code(), info);
    if (result < 0 || info.get(ValueLayout.JAVA_BYTE, TYPE) != FreeBsdAbi.IFT_ETHER) {
      throw new IOException("network interface %s %s".formatted(name, noTap()));
    }
    MemorySegment header = arena.allocate(ValueLayout.JAVA_INT);
    // A host that does not know the request has no such headers.
    long known = host.ioctl(tap.number(), FreeBsdAbi.TAPGVNETHDR, header);
    if (known == 0 && header.get(ValueLayout.JAVA_INT, 0) != 0) {
      throw new IOException(
          "network interface %s has headers of %d bytes in front of its frames: set TAPSVNETHDR to 0"
              .formatted(name, header.get(ValueLayout.JAVA_INT, 0)));
    }
    return told(Short.toUnsignedInt(info.get(ValueLayout.JAVA_SHORT, MTU)));
  }

  @Override
  String howToOpen() {
    return "open /dev/tapN";
  }

  @Override
  boolean isFull(int errno) {
    return errno == FreeBsdErrno.EAGAIN || errno == FreeBsdErrno.ENOBUFS;
  }

  @Override
  String remedy(int errno, String name) {
    return switch (errno) {
      case FreeBsdErrno.EIO -> ": taps of FreeBSD take frames of at most 16384 bytes";
      case FreeBsdErrno.EHOSTDOWN, FreeBsdErrno.ENXIO -> ": the interface was removed";
      default -> "";
    };
  }

  @Override
  String howToRaise(String name) {
    return "ifconfig %s up, or sysctl net.link.tap.up_on_open=1 for all".formatted(name);
  }
}
