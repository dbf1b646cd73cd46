// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import dev.tealight.GuestMemory;

/**
 * Guest memory at the addresses that the guest's code uses. An access to what is not mapped, is
 * outside memory, or is protected throws {@link dev.tealight.GuestAccessException}.
 */
record LinearMemory(GuestMemory memory, PageTables tables) {

  byte readByte(long linear) {
    return memory.readByte(tables.translate(linear));
  }

  int readShort(long linear) {
    return (readByte(linear) & 0xff) | ((readByte(linear + 1) & 0xff) << 8);
  }

  long readLong(long linear) {
    long value = 0;
    for (int i = 0; i < Long.BYTES; i++) { // its bytes may be in two pages
      value |= (readByte(linear + i) & 0xffL) << (8 * i);
    }
    return value;
  }

  void writeLong(long linear, long value) {
    for (int i = 0; i < Long.BYTES; i++) {
      memory.writeByte(tables.translate(linear + i), (byte) (value >>> (8 * i)));
    }
  }
}
