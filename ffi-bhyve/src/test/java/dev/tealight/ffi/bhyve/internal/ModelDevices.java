// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

/** The devices that are in the kernel, by what of them guests can reach. */
final class ModelDevices {
  private static final long IO_APIC = 0xfec0_0000L;
  private static final long HPET = 0xfed0_0000L;
  private static final long LOCAL_APIC = 0xfee0_0000L;
  private static final long PAGE = 4096;
  private static final long HPET_BYTE_SIZE = 1024;

  private ModelDevices() {}

  static boolean isPort(int port) {
    return switch (port) {
      case 0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1, 0x40, 0x41, 0x42, 0x43, 0x61, 0x70, 0x71, 0x408 ->
          true;
      default -> false;
    };
  }

  /** {@return whether the device knows the access; if not, VM_RUN fails} */
  static boolean acceptsPort(int port, int width, boolean in) {
    return switch (port) {
      case 0x61 -> true;
      case 0x408 -> width == 4;
      case 0x43 -> width == 1 && !in;
      default -> width == 1;
    };
  }

  /** {@return whether the kernel serves accesses to this address, if no memory is mapped there} */
  static boolean isMemory(long gpa) {
    return in(gpa, IO_APIC, PAGE) || in(gpa, HPET, HPET_BYTE_SIZE) || in(gpa, LOCAL_APIC, PAGE);
  }

  /** {@return whether the device knows the access; if not, VM_RUN fails} */
  static boolean acceptsMemory(long gpa, boolean read) {
    return !read || !in(gpa, LOCAL_APIC, PAGE) || gpa % 16 == 0;
  }

  private static boolean in(long gpa, long from, long byteSize) {
    return gpa >= from && gpa < from + byteSize;
  }
}
