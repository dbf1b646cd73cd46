// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.translate;

import dev.tealight.softcpu.internal.cpu.Insn;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Instructions that run one after the other, up to the next that may go elsewhere. */
public final class Block {
  public final Insn[] insns;
  public final long rip;
  public final long gpa;
  public final int mode;

  /** Whether it ends with a call. */
  public final boolean calls;

  /** Physical page of the last byte: not that of the first if an instruction crosses pages. */
  public final long lastPage;

  /** The memory epoch in which the place of this block was last checked. */
  public long epoch;

  /** False once a byte of it may have changed. */
  public boolean valid = true;

  /** The two blocks that followed last: a guess that saves the look-up. */
  public @Nullable Block successor;

  public @Nullable Block otherSuccessor;

  /** How often it was interpreted. */
  public int heat;

  /** The translation that begins with this block. */
  public @Nullable Translation translation;

  /**
   * The bytes it was decoded from, if the monitor may write them without the processor noticing;
   * empty if the machine's protection rules that out.
   */
  public final byte[] source;

  /** Next block in the same bucket of the cache. */
  public @Nullable Block chain;

  public Block(Insn[] insns, long rip, long gpa, int mode, long lastPage, byte[] source) {
    this.insns = insns;
    this.rip = rip;
    this.gpa = gpa;
    this.mode = mode;
    this.lastPage = lastPage;
    this.source = source;
    this.calls = Flow.isCall(insns[insns.length - 1]);
  }

  /** Returns the addresses of the blocks that followed last. */
  List<Long> targets() {
    Block first = successor;
    Block second = otherSuccessor;
    if (first == null) {
      return List.of();
    }
    return second == null ? List.of(first.rip) : List.of(first.rip, second.rip);
  }

  public long endGpa() {
    return gpa + (insns[insns.length - 1].next() - rip);
  }
}
