// SPDX-License-Identifier: ISC
package dev.tealight.device.pc.internal;

import dev.tealight.device.GuestCallRegistry;

/** Two 8259 chips, the second on line 2 of the first: 16 lines, 0 the most urgent. */
final class InterruptController extends BytePorts implements InterruptLines {
  private static final int PRIMARY = 0x20;
  private static final int SECONDARY = 0xa0;

  /** Which lines are level-triggered, a byte for each chip: as the chip sets of PCI boards have. */
  private static final int TRIGGER_MODES = 0x4d0;

  private static final int CASCADE_LINE = 2;

  /** Only the cascade is open, as a guest finds it that sets the masks of its own lines alone. */
  private final InterruptChip primary = new InterruptChip(0x08, 0xff & ~(1 << CASCADE_LINE));

  private final InterruptChip secondary = new InterruptChip(0x70, 0xff);

  void register(GuestCallRegistry registry) {
    registry.ports(PRIMARY, 2, "interrupt controller", this);
    registry.ports(SECONDARY, 2, "interrupt controller", this);
    registry.ports(TRIGGER_MODES, 2, "interrupt controller", this);
  }

  @Override
  int read(int port) {
    return switch (port) {
      case PRIMARY, PRIMARY + 1 -> primary.read(port - PRIMARY);
      case SECONDARY, SECONDARY + 1 -> secondary.read(port - SECONDARY);
      case TRIGGER_MODES -> primary.levelTriggered;
      default -> secondary.levelTriggered;
    };
  }

  @Override
  void write(int port, int value) {
    switch (port) {
      case PRIMARY, PRIMARY + 1 -> primary.write(port - PRIMARY, value);
      case SECONDARY, SECONDARY + 1 -> secondary.write(port - SECONDARY, value);
      // The lines of timer, keyboard and cascade have no other mode.
      case TRIGGER_MODES -> primary.levelTriggered = value & ~7;
      default -> secondary.levelTriggered = value;
    }
    cascade();
  }

  /** Asks for an interrupt by an edge. */
  void pulse(int line) {
    chip(line).pulse(line & 7);
    cascade();
  }

  @Override
  public void levelTrigger(int line) {
    chip(line).levelTriggered |= 1 << (line & 7);
  }

  @Override
  public void setLevel(int line, boolean asserted) {
    chip(line).setLevel(line & 7, asserted);
    cascade();
  }

  boolean isMasked(int line) {
    return chip(line).isMasked(line & 7);
  }

  private InterruptChip chip(int line) {
    return line < 8 ? primary : secondary;
  }

  private void cascade() {
    primary.setOutputOfSecondary(CASCADE_LINE, secondary.pendingLine() >= 0);
  }

  boolean isPending() {
    return primary.pendingLine() >= 0;
  }

  /** {@return the vector; that of line 7 if the request went away meanwhile, as the chip does} */
  int acknowledge() {
    int line = primary.pendingLine();
    int vector;
    if (line == CASCADE_LINE) {
      primary.begin(line);
      vector = secondary.acknowledge(secondary.pendingLine());
    } else {
      vector = primary.acknowledge(line);
    }
    cascade();
    return vector;
  }
}
