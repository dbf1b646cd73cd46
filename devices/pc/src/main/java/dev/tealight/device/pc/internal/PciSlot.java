// SPDX-License-Identifier: ISC
package dev.tealight.device.pc.internal;

import dev.tealight.GuestAccessException;
import dev.tealight.ReadinessSource;
import dev.tealight.device.PciFunction;
import dev.tealight.device.PciFunction.Identity;
import org.jspecify.annotations.Nullable;

/**
 * The configuration space of a function. Its ports can be sized, but stay where they are.
 *
 * @see "PCI Local Bus Specification 3.0, chapter 6"
 */
final class PciSlot {
  private static final int IDENTITY = 0x00;
  private static final int COMMAND = 0x04;
  private static final int CLASS = 0x08;
  private static final int BASE_ADDRESS_0 = 0x10;
  private static final int SUBSYSTEM = 0x2c;
  private static final int INTERRUPT = 0x3c;

  private static final int IO_SPACE = 1;
  private static final int IO_AND_BUS_MASTER = 1 | 1 << 2;
  private static final int COMMAND_WRITABLE = 0x0407;
  private static final int LINE_WRITABLE = 0xff;
  private static final int PIN_A = 1 << 8;

  private final String owner;
  private final @Nullable PciFunction function;
  private final Identity identity;
  private final int ioByteSize;
  private int command = IO_AND_BUS_MASTER;
  private int baseAddress;
  private int interrupt;

  PciSlot(
      String owner,
      Identity identity,
      @Nullable PciFunction function,
      int io,
      int ioByteSize,
      int line) {
    this.owner = owner;
    this.identity = identity;
    this.function = function;
    this.ioByteSize = ioByteSize;
    baseAddress = io;
    interrupt = line == 0 ? 0 : line | PIN_A;
  }

  void poll(boolean halted) {
    if (function != null) {
      try {
        function.poll(halted);
      } catch (GuestAccessException e) {
        throw new GuestAccessException("%s: %s".formatted(owner, e.getMessage()));
      }
    }
  }

  boolean takesFrom(ReadinessSource source) {
    return function != null && function.takesFrom(source);
  }

  int read(int register) {
    return switch (register) {
      case IDENTITY -> identity.deviceId() << 16 | identity.vendorId();
      case COMMAND -> command;
      case CLASS -> identity.classCode() << 8;
      case BASE_ADDRESS_0 -> ioByteSize == 0 ? 0 : (baseAddress & -ioByteSize) | IO_SPACE;
      case SUBSYSTEM ->
          identity.subsystemId() == 0 ? 0 : identity.subsystemId() << 16 | identity.vendorId();
      case INTERRUPT -> interrupt;
      default -> 0;
    };
  }

  /** Sets the bits in {@code mask}, as far as they can be set. */
  void write(int register, int value, int mask) {
    switch (register) {
      case COMMAND -> command = merge(command, value, mask & COMMAND_WRITABLE);
      case BASE_ADDRESS_0 -> baseAddress = merge(baseAddress, value, mask);
      case INTERRUPT -> interrupt = merge(interrupt, value, mask & LINE_WRITABLE);
      default -> {}
    }
  }

  private static int merge(int old, int value, int mask) {
    return (old & ~mask) | (value & mask);
  }
}
