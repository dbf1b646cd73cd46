// SPDX-License-Identifier: ISC
package dev.tealight;

/**
 * The registers of one vCPU, by instruction set. A value is a copy: changing it changes the vCPU
 * only through {@link Vcpu#writeState}.
 */
public sealed interface CpuState permits X86CpuState {

  /** {@return the guest virtual address of the next instruction} */
  long instructionPointer();

  /** {@return an independent copy} */
  CpuState copy();
}
