// SPDX-License-Identifier: ISC
package dev.tealight.device.pc.internal;

/**
 * One 8259 in fully nested mode. Rotating priorities, special masks and polling are not there.
 *
 * @see "Intel 8259A data sheet, programming"
 */
final class InterruptChip {
  private static final int ICW1 = 1 << 4;
  private static final int ICW1_NEEDS_ICW4 = 1;
  private static final int ICW1_SINGLE = 1 << 1;
  private static final int ICW4_AUTOMATIC_EOI = 1 << 1;
  private static final int OCW3 = 1 << 3;
  private static final int OCW3_READ_SELECT = 2;
  private static final int EOI = 1 << 5;
  private static final int SPECIFIC = 1 << 6;
  private static final int SPURIOUS_LINE = 7;

  /** Bit n is line n in all of these. */
  int levelTriggered;

  private int requests;
  private int levels;
  private int mask;
  private int inService;

  private int vectorBase;
  private boolean automaticEoi;
  private boolean readsInService;

  /** The initialization word that comes next, 2 to 4, or 0 if none is expected. */
  private int nextIcw;

  private boolean needsIcw3;
  private boolean needsIcw4;

  InterruptChip(int vectorBase, int mask) {
    this.vectorBase = vectorBase;
    this.mask = mask;
  }

  int read(int register) {
    if (register == 1) {
      return mask;
    }
    return readsInService ? inService : requested();
  }

  void write(int register, int value) {
    if (register == 0) {
      command(value);
    } else if (nextIcw == 0) {
      mask = value;
    } else {
      initialize(value);
    }
  }

  private void command(int value) {
    if ((value & ICW1) != 0) {
      requests = 0;
      inService = 0;
      mask = 0;
      automaticEoi = false;
      readsInService = false;
      needsIcw3 = (value & ICW1_SINGLE) == 0;
      needsIcw4 = (value & ICW1_NEEDS_ICW4) != 0;
      nextIcw = 2;
    } else if ((value & OCW3) != 0) {
      if ((value & OCW3_READ_SELECT) != 0) {
        readsInService = (value & 1) != 0;
      }
    } else if ((value & EOI) != 0) {
      inService &= ~((value & SPECIFIC) != 0 ? 1 << (value & 7) : Integer.lowestOneBit(inService));
    }
  }

  private void initialize(int value) {
    switch (nextIcw) {
      case 2 -> {
        vectorBase = value & 0xf8;
        nextIcw = needsIcw3 ? 3 : needsIcw4 ? 4 : 0;
      }
      // Where the cascade is, which the board fixes.
      case 3 -> nextIcw = needsIcw4 ? 4 : 0;
      default -> {
        automaticEoi = (value & ICW4_AUTOMATIC_EOI) != 0;
        nextIcw = 0;
      }
    }
  }

  void pulse(int line) {
    requests |= 1 << line;
  }

  void setLevel(int line, boolean asserted) {
    int bit = 1 << line;
    if (asserted) {
      requests |= bit & ~levels & ~levelTriggered;
      levels |= bit;
    } else {
      levels &= ~bit;
    }
  }

  /** The second chip's output is not latched: it is high as long as that chip has something. */
  void setOutputOfSecondary(int line, boolean asserted) {
    int bit = 1 << line;
    requests = asserted ? requests | bit : requests & ~bit;
  }

  boolean isMasked(int line) {
    return (mask >>> line & 1) != 0;
  }

  private int requested() {
    return requests | (levels & levelTriggered);
  }

  /** {@return the most urgent line that is asked for and not held up, or -1} */
  int pendingLine() {
    int candidates = requested() & ~mask;
    if (candidates == 0 || nextIcw != 0) {
      return -1;
    }
    int line = Integer.numberOfTrailingZeros(candidates);
    return Integer.numberOfTrailingZeros(inService) <= line ? -1 : line;
  }

  /** Starts the service of a line, or of none. */
  int acknowledge(int line) {
    if (line < 0) {
      return vectorBase + SPURIOUS_LINE;
    }
    begin(line);
    return vectorBase + line;
  }

  void begin(int line) {
    requests &= ~(1 << line);
    if (!automaticEoi) {
      inService |= 1 << line;
    }
  }
}
