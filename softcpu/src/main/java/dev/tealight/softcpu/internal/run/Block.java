// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.run;

import dev.tealight.softcpu.internal.cpu.Insn;
import org.jspecify.annotations.Nullable;

/** Instructions that run one after the other, up to the next that may go elsewhere. */
final class Block {
  final Insn[] insns;
  final long rip;
  final long gpa;
  final int mode;

  /** Physical page of the last byte: not that of the first if an instruction crosses pages. */
  final long lastPage;

  /** The memory epoch in which the place of this block was last checked. */
  long epoch;

  /** False once a byte of it may have changed. */
  boolean valid = true;

  /** The two blocks that followed last: a guess that saves the look-up. */
  @Nullable Block successor;

  @Nullable Block otherSuccessor;

  /**
   * The bytes it was decoded from, if the monitor may write them without the processor noticing;
   * empty if the machine's protection rules that out.
   */
  final byte[] source;

  /** Next block in the same bucket of the cache. */
  @Nullable Block chain;

  Block(Insn[] insns, long rip, long gpa, int mode, long lastPage, byte[] source) {
    this.insns = insns;
    this.rip = rip;
    this.gpa = gpa;
    this.mode = mode;
    this.lastPage = lastPage;
    this.source = source;
  }

  long endGpa() {
    return gpa + (insns[insns.length - 1].next() - rip);
  }
}
