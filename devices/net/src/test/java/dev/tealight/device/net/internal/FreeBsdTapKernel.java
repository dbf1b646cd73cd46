// SPDX-License-Identifier: ISC
package dev.tealight.device.net.internal;

import dev.tealight.ffi.posix.FreeBsdAbi;
import dev.tealight.ffi.posix.FreeBsdErrno;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** As much of FreeBSD's kernel as a tap needs. */
final class FreeBsdTapKernel extends TapKernel {
  boolean upOnOpen;
  int type = FreeBsdAbi.IFT_ETHER;
  int headerByteSize; // negative if the kernel does not know of headers

  FreeBsdTapKernel() {
    super(FreeBsdErrno.EAGAIN);
  }

  @Override
  String errnoName(int errno) {
    return FreeBsdErrno.name(errno);
  }

  @Override
  int openFlags() {
    return FreeBsdAbi.O_RDWR | FreeBsdAbi.O_NONBLOCK;
  }

  @Override
  void onOpen() {
    up |= upOnOpen;
  }

  @Override
  long ioctl(int number, int request, MemorySegment argument) {
    switch (request) {
      case FreeBsdAbi.SIOCGIFFLAGS -> {
        return flags(argument, FreeBsdErrno.ENXIO);
      }
      case FreeBsdAbi.TAPGIFNAME -> {
        if (!isTap(number)) {
          return -ENOTTY;
        }
        argument.setString(0, "tap0");
      }
      case FreeBsdAbi.TAPGIFINFO -> {
        argument.set(ValueLayout.JAVA_SHORT, 4, (short) mtu);
        argument.set(ValueLayout.JAVA_BYTE, 6, (byte) type);
      }
      case FreeBsdAbi.TAPGVNETHDR -> {
        if (headerByteSize < 0) {
          return -ENOTTY;
        }
        argument.set(ValueLayout.JAVA_INT, 0, headerByteSize);
      }
      case FreeBsdAbi.FIONBIO -> nonBlocking = argument.get(ValueLayout.JAVA_INT, 0) == 1;
      default -> throw new UnsupportedOperationException("request 0x%x".formatted(request));
    }
    return 0;
  }

  @Override
  long writeWhileDown() {
    return 0;
  }
}
