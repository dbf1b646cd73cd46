// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

/**
 * The pair of 8259 of the model's kernel. As in the kernel, and unlike in chips: lines count how
 * often they were asserted, but only while the chip is initialized; an edge stays even if its line
 * goes down; the second chip asks the first by an edge; a request that went away is delivered as
 * the chip's line 7, which is in service then. With the VM's lock.
 */
final class ModelPic {
  private static final int CASCADE = 2;
  private static final int SPURIOUS = 7;
  private static final int NONE = -1;

  private final Chip primary = new Chip();
  private final Chip secondary = new Chip();
  private final Runnable ask;

  /** One of them; bit n is line n. All is 0 at first. */
  private static final class Chip {
    boolean ready;
    int nextWord; // of the initialization, 2 to 4, or 0
    boolean readsService;
    boolean automaticEnd;
    int base;
    int requests;
    int service;
    int mask;
    int levels;
    final int[] counts = new int[8];
    boolean raised;

    /** {@return the most urgent line that is open and not held up, or NONE} */
    int pending() {
      for (int line = 0; line < 8 && (service >>> line & 1) == 0; line++) {
        if ((requests & ~mask & 1 << line) != 0) {
          return line;
        }
      }
      return NONE;
    }

    void accept(int line) {
      raised = false;
      if (counts[line] == 0) {
        requests &= ~(1 << line);
      }
      if (!automaticEnd) {
        service |= 1 << line;
      }
    }

    /** {@return whether the kernel knows the value} */
    boolean write(boolean data, int value) {
      if (!data) {
        return command(value);
      }
      switch (nextWord) {
        case 2 -> base = value & 0xf8;
        case 3 -> {} // where the cascade is
        case 4 -> {
          if ((value & 1) == 0) {
            return false; // not for this kind of processor
          }
          automaticEnd |= (value & 2) != 0;
          ready = true;
        }
        default -> {
          mask = value;
          return true;
        }
      }
      nextWord = nextWord == 4 ? 0 : nextWord + 1;
      return true;
    }

    private boolean command(int value) {
      if ((value & 0x10) != 0) {
        ready = false;
        requests = 0;
        mask = 0;
        readsService = false;
        // Alone, or without the fourth word: refused.
        boolean known = (value & 2) == 0 && (value & 1) != 0;
        nextWord = known ? 2 : 1;
        return known;
      }
      if (!ready) {
        return true;
      }
      if ((value & 0xa0) == 0xa0 || (value & 0x48) == 0x48 || (value & 0x0c) == 0x0c) {
        throw new AssertionError("the model has no rotation, special mask or polling");
      }
      if ((value & 8) != 0) {
        if ((value & 2) != 0) {
          readsService = (value & 1) != 0;
        }
      } else if ((value & 0x20) != 0) {
        service &= ~((value & 0x40) != 0 ? 1 << (value & 7) : Integer.lowestOneBit(service));
      }
      return true;
    }
  }

  /**
   * Creates them, not initialized.
   *
   * @param ask tells the processors that there is an interrupt
   */
  ModelPic(Runnable ask) {
    this.ask = ask;
  }

  int read(int port) {
    Chip chip = port >= 0xa0 ? secondary : primary;
    if (port == 0x4d0 || port == 0x4d1) {
      return (port == 0x4d0 ? primary : secondary).levels;
    }
    if ((port & 1) != 0) {
      return chip.mask;
    }
    return chip.readsService ? chip.service : chip.requests;
  }

  /** {@return whether the kernel knows the value} */
  boolean write(int port, int value) {
    switch (port) {
      case 0x4d0 -> primary.levels = value & 0xf8;
      case 0x4d1 -> secondary.levels = value & 0xde;
      default -> {
        Chip chip = port >= 0xa0 ? secondary : primary;
        boolean known = chip.write((port & 1) != 0, value);
        if (chip.ready) {
          announce();
        }
        return known;
      }
    }
    return true;
  }

  /** {@return whether there is such a line, and it can be so} */
  boolean levelTrigger(int line, boolean level) {
    boolean edgesAlone = line <= 2 || line == 8 || line == 13;
    if (line < 0 || line > 15 || (level && edgesAlone)) {
      return false;
    }
    Chip chip = chip(line);
    int bit = 1 << (line & 7);
    chip.levels = level ? chip.levels | bit : chip.levels & ~bit;
    return true;
  }

  /** {@return whether there is such a line} */
  boolean set(int line, boolean asserted) {
    if (line < 0 || line > 15) {
      return false;
    }
    if (chip(line).ready) {
      count(line, asserted);
    }
    return true;
  }

  void pulse(int line) {
    boolean _ = set(line, true);
    boolean _ = set(line, false);
  }

  private Chip chip(int line) {
    return line < 8 ? primary : secondary;
  }

  private void count(int line, boolean asserted) {
    Chip chip = chip(line);
    int bit = 1 << (line & 7);
    int before = chip.counts[line & 7];
    int after = asserted ? before + 1 : before - 1;
    chip.counts[line & 7] = after;
    boolean level = (chip.levels & bit) != 0;
    if ((before == 0 && after == 1) || (after > 0 && level)) {
      chip.requests |= bit;
    } else if (before == 1 && after == 0 && level) {
      chip.requests &= ~bit;
    }
    announce();
  }

  private void announce() {
    if (!secondary.raised && secondary.pending() != NONE) {
      secondary.raised = true;
      count(CASCADE, true);
      count(CASCADE, false);
    }
    if (!primary.raised && primary.pending() != NONE) {
      primary.raised = true;
      ask.run();
    }
  }

  /** {@return the vector to deliver now} */
  int vector() {
    Chip chip = primary;
    int line = chip.pending();
    if (line == CASCADE) {
      chip = secondary;
      line = chip.pending();
    }
    return chip.base + (line == NONE ? SPURIOUS : line);
  }

  /** The processor takes a vector. */
  void accepted(int vector) {
    if ((vector & ~7) == secondary.base) {
      secondary.accept(vector & 7);
      primary.accept(CASCADE);
    } else {
      primary.accept(vector & 7);
    }
    announce();
  }
}
