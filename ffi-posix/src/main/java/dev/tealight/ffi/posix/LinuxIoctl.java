// SPDX-License-Identifier: ISC
package dev.tealight.ffi.posix;

import java.lang.foreign.MemoryLayout;

/** Encodes requests as Linux's {@code asm-generic/ioctl.h} does. */
public final class LinuxIoctl {
  private static final int NONE = 0;
  private static final int WRITE = 1;
  private static final int READ = 2;

  private LinuxIoctl() {}

  /**
   * {@return a request without structure}
   *
   * @param name as in the header
   * @param type the device's number
   * @param number the request's number
   */
  public static Ioctl none(String name, int type, int number) {
    return encode(name, NONE, type, number, 0);
  }

  /**
   * {@return a request whose structure the kernel fills}
   *
   * @param name as in the header
   * @param type the device's number
   * @param number the request's number
   * @param argument the structure
   */
  public static Ioctl read(String name, int type, int number, MemoryLayout argument) {
    return encode(name, READ, type, number, argument.byteSize());
  }

  /**
   * {@return a request whose structure the kernel reads}
   *
   * @param name as in the header
   * @param type the device's number
   * @param number the request's number
   * @param argument the structure
   */
  public static Ioctl write(String name, int type, int number, MemoryLayout argument) {
    return encode(name, WRITE, type, number, argument.byteSize());
  }

  /**
   * {@return a request whose structure the kernel reads and fills}
   *
   * @param name as in the header
   * @param type the device's number
   * @param number the request's number
   * @param argument the structure
   */
  public static Ioctl readWrite(String name, int type, int number, MemoryLayout argument) {
    return encode(name, READ | WRITE, type, number, argument.byteSize());
  }

  private static Ioctl encode(String name, int direction, int type, int number, long byteSize) {
    return new Ioctl(name, direction << 30 | (int) byteSize << 16 | type << 8 | number);
  }
}
