// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

/** The ports whose devices are in the kernel. */
final class ModelPorts {
  private ModelPorts() {}

  static boolean isEmulated(int port) {
    return switch (port) {
      case 0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1, 0x40, 0x41, 0x42, 0x43, 0x61, 0x70, 0x71, 0x408 ->
          true;
      default -> false;
    };
  }

  /** {@return whether the device knows the access; if not, VM_RUN fails} */
  static boolean accepts(int port, int width, boolean in) {
    return switch (port) {
      case 0x61 -> true;
      case 0x408 -> width == 4;
      case 0x43 -> width == 1 && !in;
      default -> width == 1;
    };
  }
}
