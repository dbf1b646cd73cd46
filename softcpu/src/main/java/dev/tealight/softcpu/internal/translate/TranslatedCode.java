// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.translate;

import dev.tealight.softcpu.internal.cpu.Cpu;
import dev.tealight.softcpu.internal.cpu.ExitSignal;
import dev.tealight.softcpu.internal.cpu.Insn;
import dev.tealight.softcpu.internal.fault.GuestFault;
import dev.tealight.softcpu.internal.memory.NotCached;

/**
 * A region of guest code as a method of the JVM.
 *
 * <p>The method keeps the guest's general registers and flags in local variables. It returns with
 * everything written back, either at the edge of the region or in front of an instruction that
 * cannot be completed in it.
 */
public abstract class TranslatedCode {
  /** The region was left; RIP says where the guest goes on. */
  public static final int LEFT = 0;

  /**
   * The instruction at RIP faults, leaves to the monitor, overwrites code or accesses memory that
   * is not in the translation cache. Nothing of it has happened: the interpreter runs it again and
   * does what is due.
   */
  public static final int INTERPRET = 1;

  /** Instructions after which a loop is left, so that a kick is seen in time. */
  static final int LIMIT = 1 << 16;

  private final Insn[] insns;

  /** For each instruction: how many of its block, itself included, have not run when it starts. */
  private final int[] remaining;

  /** The memory epoch for which the region was last found to be what it was translated from. */
  private long epoch;

  protected TranslatedCode(Region region) {
    this.insns = region.insns();
    this.remaining = region.remaining();
    this.epoch = region.epoch();
  }

  /**
   * Runs from the region's first instruction.
   *
   * @return {@link #LEFT} or {@link #INTERPRET}
   */
  public abstract int run(Cpu cpu);

  public long epoch() {
    return epoch;
  }

  /** The region is the same under this epoch, too. */
  public void epoch(long newEpoch) {
    epoch = newEpoch;
  }

  // For the generated methods

  /**
   * Ends the method at an instruction that threw; registers are written back.
   *
   * @param before instructions executed before the method was entered
   * @param count instructions of all blocks that were begun
   * @param at number of the instruction
   */
  protected final int interrupted(Cpu cpu, RuntimeException cause, long before, int count, int at) {
    cpu.rip = insns[at].rip();
    cpu.retired = before + count - remaining[at];
    if (cause instanceof GuestFault
        || cause instanceof ExitSignal
        || cause instanceof NotCached
        || cause instanceof Uncommon) {
      return INTERPRET;
    }
    throw cause;
  }

  /** Returns whether the region must be left behind an instruction that was interpreted. */
  protected final boolean mustLeave(Cpu cpu) {
    return cpu.attention != 0 || cpu.memory.epoch() != epoch;
  }
}
