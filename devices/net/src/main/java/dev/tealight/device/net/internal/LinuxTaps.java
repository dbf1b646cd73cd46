// SPDX-License-Identifier: ISC
package dev.tealight.device.net.internal;

import dev.tealight.HostCallException;
import dev.tealight.device.net.NetConfig;
import dev.tealight.ffi.posix.Descriptor;
import dev.tealight.ffi.posix.HostCalls;
import dev.tealight.ffi.posix.Ioctl;
import dev.tealight.ffi.posix.LinuxAbi;
import dev.tealight.ffi.posix.LinuxErrno;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Taps of Linux, which programs attach to by /dev/net/tun.
 *
 * @see "Linux, Documentation/networking/tuntap.rst; include/uapi/linux/if_tun.h"
 */
final class LinuxTaps extends TapSystem {
  private static final String DEVICE = "/dev/net/tun";
  private static final int ETHTOOL_BYTE_SIZE = 8;
  private static final long REQUEST =
      LinuxAbi.IFREQ.byteOffset(PathElement.groupElement("ifr_ifru"));

  private static final Ioctl GET_FLAGS = new Ioctl("SIOCGIFFLAGS", LinuxAbi.SIOCGIFFLAGS);
  private static final Ioctl GET_MTU = new Ioctl("SIOCGIFMTU", LinuxAbi.SIOCGIFMTU);
  private static final Ioctl SET_TAP = new Ioctl("TUNSETIFF", LinuxAbi.TUNSETIFF);
  private static final Ioctl GET_TAP = new Ioctl("TUNGETIFF", LinuxAbi.TUNGETIFF);
  private static final Ioctl SET_NON_BLOCKING = new Ioctl("FIONBIO", LinuxAbi.FIONBIO);

  LinuxTaps(HostCalls host) {
    super(host, LinuxAbi.IFREQ, GET_TAP, SET_NON_BLOCKING);
  }

  @Override
  void prepare(Descriptor socket, Arena arena, String name) throws IOException {
    MemorySegment request = request(arena, name);
    try {
      socket.ioctl(GET_FLAGS, request, name);
    } catch (HostCallException e) {
      if (e.errno() != LinuxErrno.ENODEV) {
        throw e;
      }
      throw new IOException(
          ("there is no network interface %s: make it with ip tuntap add dev %s mode tap && ip link"
                  + " set %s up")
              .formatted(name, name, name),
          e);
    }
    checkUp(request.get(ValueLayout.JAVA_SHORT, REQUEST), name);
  }

  @Override
  int check(Descriptor tap, MemorySegment answer, Arena arena, String name) throws IOException {
    int flags = answer.get(ValueLayout.JAVA_SHORT, REQUEST);
    int wanted = LinuxAbi.IFF_TAP | LinuxAbi.IFF_NO_PI;
    if ((flags & (wanted | LinuxAbi.IFF_VNET_HDR)) != wanted) {
      throw new IOException(
          ("descriptor %d of interface %s has the flags 0x%x: open it with IFF_TAP and IFF_NO_PI,"
                  + " without IFF_VNET_HDR")
              .formatted(tap.number(), name, flags & 0xffff));
    }
    try (Descriptor socket = socket()) {
      takeSingleFrames(socket, arena, name);
      return mtu(socket, arena, name);
    } catch (HostCallException e) {
      // The interface is in another network namespace, where we cannot ask for its MTU.
      return NetConfig.DEFAULT_MTU;
    }
  }

  private int mtu(Descriptor socket, Arena arena, String name) {
    MemorySegment request = request(arena, name);
    socket.ioctl(GET_MTU, request, name);
    return told(request.get(ValueLayout.JAVA_INT, REQUEST));
  }

  /**
   * Else the host may join frames to up to 64 KiB, of which a guest's buffer would get the start.
   */
  private void takeSingleFrames(Descriptor socket, Arena arena, String name) {
    MemorySegment value = arena.allocate(ETHTOOL_BYTE_SIZE, 8);
    for (int command : new int[] {LinuxAbi.ETHTOOL_SGRO, LinuxAbi.ETHTOOL_SGSO}) {
      MemorySegment request = request(arena, name);
      request.set(ValueLayout.JAVA_LONG, REQUEST, value.address());
      value.set(ValueLayout.JAVA_INT, 0, command);
      value.set(ValueLayout.JAVA_INT, 4, 0);
      // An unprivileged user of a tap may not: then it is up to who made the tap.
      long _ = host.ioctl(socket.number(), LinuxAbi.SIOCETHTOOL, request);
    }
  }

  @Override
  Descriptor openDevice(String name) throws IOException {
    try {
      return Descriptor.open(host, DEVICE, LinuxAbi.O_RDWR | LinuxAbi.O_NONBLOCK);
    } catch (HostCallException e) {
      String remedy =
          switch (e.errno()) {
            case LinuxErrno.ENOENT, LinuxErrno.ENODEV -> ": load the module with modprobe tun";
            case LinuxErrno.EACCES, LinuxErrno.EPERM ->
                ": chmod 666 %s lets users open the taps that are theirs".formatted(DEVICE);
            default -> "";
          };
      throw new IOException("tap %s: %s%s".formatted(name, e.getMessage(), remedy), e);
    }
  }

  @Override
  int attach(Descriptor tap, Descriptor socket, Arena arena, String name) throws IOException {
    MemorySegment request = request(arena, name);
    int flags = LinuxAbi.IFF_TAP | LinuxAbi.IFF_NO_PI;
    request.set(ValueLayout.JAVA_SHORT, REQUEST, (short) flags);
    try {
      tap.ioctl(SET_TAP, request, name);
    } catch (HostCallException e) {
      String why =
          switch (e.errno()) {
            case LinuxErrno.EBUSY -> "is in use by another program or guest";
            case LinuxErrno.EPERM, LinuxErrno.EACCES ->
                "belongs to another user: make it with ip tuntap add dev %s mode tap user USER"
                    .formatted(name);
            case LinuxErrno.EINVAL ->
                "is no tap, or one with several queues: make one with ip tuntap add dev NAME mode"
                    + " tap";
            default -> throw e;
          };
      throw new IOException("network interface %s %s".formatted(name, why), e);
    }
    takeSingleFrames(socket, arena, name); // now that it is known to be a tap, and ours
    return mtu(socket, arena, name);
  }

  @Override
  String howToOpen() {
    return "attach it to one with TUNSETIFF";
  }

  @Override
  boolean isFull(int errno) {
    return errno == LinuxErrno.EAGAIN;
  }

  @Override
  String remedy(int errno, String name) {
    return switch (errno) {
      case LinuxErrno.EIO -> ": the interface is down: " + howToRaise(name);
      case LinuxErrno.EBADFD -> ": the interface was removed";
      default -> "";
    };
  }

  @Override
  String howToRaise(String name) {
    return "ip link set %s up".formatted(name);
  }
}
