// SPDX-License-Identifier: ISC
package dev.tealight.spi;

import dev.tealight.CpuState;
import dev.tealight.GuestMemory;
import java.lang.foreign.MemorySegment;

/**
 * Executes a single instruction that a backend's host could not. Found by {@link
 * java.util.ServiceLoader}, offered by a backend that has a processor in software.
 *
 * <p>An object serves one vCPU, and one thread at a time.
 */
public interface InstructionCompleter {

  /** {@return the instruction set it executes} */
  GuestArchitecture architecture();

  /**
   * Executes the instruction at the state's instruction pointer.
   *
   * @param state changed as the instruction does
   * @param vectorState the floating-point and vector registers, on x86 the 512 bytes of FXSAVE64;
   *     changed likewise
   * @param memory of the guest; its protection is respected
   * @return true if the instruction was executed; false, with nothing changed, if it faults or is
   *     not supported
   */
  boolean complete(CpuState state, MemorySegment vectorState, GuestMemory memory);
}
