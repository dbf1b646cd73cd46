// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

/** Which instructions the kernel understands that touch an address without memory. */
final class ModelDecoder {
  private ModelDecoder() {}

  static boolean isDecoded(byte[] bytes) {
    int at = 0;
    while (at < bytes.length && isPrefix(bytes[at] & 0xff)) {
      at++;
    }
    if (at + 1 >= bytes.length) {
      return false;
    }
    return switch (bytes[at] & 0xff) {
      case 0x88, 0x89, 0x8a, 0x8b, 0xa1, 0xa3, 0xc6, 0xc7 -> true; // mov
      case 0x09, 0x0b, 0x21, 0x23, 0x39, 0x3b, 0x80, 0x81, 0x83 -> true; // or, and, cmp
      case 0x0f ->
          switch (bytes[at + 1] & 0xff) {
            case 0xb6, 0xb7, 0xbe -> true; // movzx, movsx
            default -> false;
          };
      default -> false;
    };
  }

  /** Not the lock prefix: the kernel knows no locked instruction. */
  private static boolean isPrefix(int value) {
    return value == 0x66 || value == 0x67 || (value & 0xf0) == 0x40;
  }

  /** {@return bytes of an instruction IN, which is at the beginning} */
  static int inLength(byte[] bytes) {
    int prefix = bytes[0] == 0x66 ? 1 : 0;
    return prefix + ((bytes[prefix] & 0xfe) == 0xe4 ? 2 : 1);
  }

  /** {@return where the opcode of INS or OUTS is, or -1 if it is no such instruction} */
  static int stringOpcode(byte[] bytes) {
    for (int i = 0; i < bytes.length; i++) {
      int value = bytes[i] & 0xff;
      if (value >= 0x6c && value <= 0x6f) {
        return i;
      }
      boolean prefix = value == 0xf3 || value == 0xf2 || value == 0x66 || (value & 0xf0) == 0x40;
      if (!prefix) {
        return -1;
      }
    }
    return -1;
  }
}
