// SPDX-License-Identifier: ISC
package dev.tealight.device.net.internal;

import dev.tealight.ffi.posix.LinuxAbi;
import dev.tealight.ffi.posix.LinuxErrno;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** As much of Linux as a tap needs, with what a test cannot ask of a real one. */
final class LinuxTapKernel extends TapKernel {
  /** How often something was asked of ethtool. */
  int offloads;

  int attachFailure;
  int offloadFailure;
  int flags = LinuxAbi.IFF_TAP | LinuxAbi.IFF_NO_PI;
  boolean elsewhere; // in another network namespace

  LinuxTapKernel() {
    super(LinuxErrno.EAGAIN);
  }

  @Override
  String errnoName(int errno) {
    return LinuxErrno.name(errno);
  }

  @Override
  int openFlags() {
    return LinuxAbi.O_RDWR | LinuxAbi.O_NONBLOCK;
  }

  @Override
  long ioctl(int number, int request, MemorySegment argument) {
    switch (request) {
      case LinuxAbi.SIOCGIFFLAGS -> {
        return flags(argument, LinuxErrno.ENODEV);
      }
      case LinuxAbi.SIOCGIFMTU -> {
        if (elsewhere) {
          return -LinuxErrno.ENODEV;
        }
        argument.set(ValueLayout.JAVA_INT, UNION, mtu);
      }
      case LinuxAbi.TUNSETIFF -> {
        if (attachFailure != 0) {
          return -attachFailure;
        }
        flags = argument.get(ValueLayout.JAVA_SHORT, UNION);
      }
      case LinuxAbi.TUNGETIFF -> {
        if (!isTap(number)) {
          return -ENOTTY;
        }
        argument.setString(0, "tap0");
        argument.set(ValueLayout.JAVA_SHORT, UNION, (short) flags);
      }
      case LinuxAbi.SIOCETHTOOL -> {
        offloads++;
        return -offloadFailure;
      }
      case LinuxAbi.FIONBIO -> nonBlocking = argument.get(ValueLayout.JAVA_INT, 0) == 1;
      default -> throw new UnsupportedOperationException("request 0x%x".formatted(request));
    }
    return 0;
  }

  @Override
  long writeWhileDown() {
    return -LinuxErrno.EIO;
  }
}
