// SPDX-License-Identifier: ISC
package dev.tealight.device.pc.internal;

import dev.tealight.ConfigurationException;
import dev.tealight.ExitKind;
import dev.tealight.ReadinessSource;
import dev.tealight.device.GuestCall;
import dev.tealight.device.GuestCallHandler;
import dev.tealight.device.GuestCallRegistry;
import dev.tealight.device.InterruptLine;
import dev.tealight.device.Outcome;
import dev.tealight.device.PciBus;
import dev.tealight.device.PciFunction;
import dev.tealight.device.PciFunction.Identity;
import org.jspecify.annotations.Nullable;

/**
 * Bus 0 behind a host bridge, reached by configuration mechanism 1: an address register at 0xcf8, a
 * window on what it names at 0xcfc.
 */
final class PciRoot implements PciBus, GuestCallHandler {
  private static final int ADDRESS_PORT = 0xcf8;
  private static final int DATA_PORT = 0xcfc;
  private static final int SLOT_COUNT = 32;
  private static final long ENABLE = 1L << 31;

  /** Bus and function of an address: only zero is there. */
  private static final long BUS_AND_FUNCTION = 0xff0700;

  private static final Identity HOST_BRIDGE = new Identity(0x8086, 0x1237, 0, 0x060000);

  private static final int FIRST_IO = 0xc000;
  private static final int IO_STEP = 0x40;

  /** Lines that were left free for expansion boards; guests expect PCI on these alone. */
  private static final int[] LINES = {10, 11, 9, 14, 15};

  private final GuestCallRegistry registry;
  private final InterruptLines lines;
  private final @Nullable PciSlot[] slots = new PciSlot[SLOT_COUNT];

  /** For each line, the slots that assert it: lines may be shared. */
  private final int[] asserted = new int[16];

  private int used = 1;
  private long address;

  PciRoot(GuestCallRegistry registry, InterruptLines lines) {
    this.registry = registry;
    this.lines = lines;
    slots[0] = new PciSlot("host bridge", HOST_BRIDGE, null, 0, 0, 0);
    registry.ports(ADDRESS_PORT, 8, "PCI configuration", this);
  }

  @Override
  public InterruptLine attach(String owner, PciFunction function) {
    int slot = used;
    if (slot == SLOT_COUNT) {
      throw new ConfigurationException(
          "device %s finds no slot: a PCI bus has %d for devices".formatted(owner, SLOT_COUNT - 1));
    }
    used++;
    int line = LINES[(slot - 1) % LINES.length];
    int io = FIRST_IO + IO_STEP * slot;
    registry.ports(io, function.portCount(), owner, function);
    lines.levelTrigger(line);
    slots[slot] = new PciSlot(owner, function.identity(), function, io, function.portCount(), line);
    return level -> setLine(line, slot, level);
  }

  private void setLine(int line, int slot, boolean level) {
    int before = asserted[line];
    int after = level ? before | 1 << slot : before & ~(1 << slot);
    asserted[line] = after;
    if ((before == 0) != (after == 0)) {
      lines.setLevel(line, after != 0);
    }
  }

  void poll(boolean halted) {
    for (int i = 1; i < used; i++) {
      PciSlot slot = slots[i];
      if (slot != null) {
        slot.poll(halted);
      }
    }
  }

  boolean takesFrom(ReadinessSource source) {
    for (int i = 1; i < used; i++) {
      PciSlot slot = slots[i];
      if (slot != null && slot.takesFrom(source)) {
        return true;
      }
    }
    return false;
  }

  @Override
  public Outcome handle(GuestCall call) {
    int port = (int) call.exit().address();
    boolean read = call.exit().kind() == ExitKind.IO_READ;
    if (port < DATA_PORT) {
      // Narrower accesses mean other things on real boards, and nothing here.
      if (port == ADDRESS_PORT && call.exit().width() == Integer.BYTES) {
        if (read) {
          call.exit().complete(address);
        } else {
          address = call.exit().value();
        }
      }
      return Outcome.CONTINUE;
    }
    PciSlot slot = (address & (ENABLE | BUS_AND_FUNCTION)) == ENABLE ? slot() : null;
    if (slot == null) {
      return Outcome.CONTINUE; // reads as ones
    }
    int shift = 8 * (port - DATA_PORT);
    int register = (int) address & 0xfc;
    if (read) {
      call.exit().complete((slot.read(register) & 0xffff_ffffL) >>> shift);
    } else {
      long mask = (0xffff_ffffL >>> (32 - 8 * call.exit().width())) << shift;
      slot.write(register, (int) (call.exit().value() << shift), (int) mask);
    }
    return Outcome.CONTINUE;
  }

  private @Nullable PciSlot slot() {
    return slots[(int) (address >>> 11) & (SLOT_COUNT - 1)];
  }
}
