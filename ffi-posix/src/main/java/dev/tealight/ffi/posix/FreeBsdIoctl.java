// SPDX-License-Identifier: ISC
package dev.tealight.ffi.posix;

import java.lang.foreign.MemoryLayout;

/** Encodes requests as FreeBSD's {@code sys/ioccom.h} does, which is not as Linux does. */
public final class FreeBsdIoctl {
  private static final int VOID = 0x20000000;
  private static final int OUT = 0x40000000;
  private static final int IN = 0x80000000;

  private FreeBsdIoctl() {}

  /**
   * {@return a request without structure}
   *
   * @param name as in the header
   * @param group the device's letter
   * @param number the request's number
   */
  public static Ioctl none(String name, char group, int number) {
    return encode(name, VOID, group, number, 0);
  }

  /**
   * {@return a request whose structure the kernel reads}
   *
   * @param name as in the header
   * @param group the device's letter
   * @param number the request's number
   * @param argument the structure
   */
  public static Ioctl write(String name, char group, int number, MemoryLayout argument) {
    return encode(name, IN, group, number, argument.byteSize());
  }

  /**
   * {@return a request whose structure the kernel reads and fills}
   *
   * @param name as in the header
   * @param group the device's letter
   * @param number the request's number
   * @param argument the structure
   */
  public static Ioctl readWrite(String name, char group, int number, MemoryLayout argument) {
    return encode(name, IN | OUT, group, number, argument.byteSize());
  }

  private static Ioctl encode(String name, int direction, char group, int number, long byteSize) {
    return new Ioctl(name, direction | (int) byteSize << 16 | group << 8 | number);
  }
}
