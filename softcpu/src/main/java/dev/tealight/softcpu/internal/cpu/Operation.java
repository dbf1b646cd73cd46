// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.cpu;

/**
 * What an instruction does.
 *
 * <p>When it is called, {@link Cpu#rip} already points behind the instruction. An operation that
 * faults throws before it changes any register, flag or memory, so that the instruction can be
 * restarted.
 */
@FunctionalInterface
public interface Operation {
  void execute(Cpu cpu, Insn insn);
}
