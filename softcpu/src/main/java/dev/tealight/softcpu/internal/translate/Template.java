// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.translate;

import dev.tealight.softcpu.internal.cpu.Insn;

/** Emits the code of one instruction. */
@FunctionalInterface
interface Template {
  /** Returns false, having emitted nothing, if this form is left to the interpreter. */
  boolean emit(Emitter e, Insn insn);
}
