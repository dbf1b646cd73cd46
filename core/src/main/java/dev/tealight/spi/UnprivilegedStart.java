// SPDX-License-Identifier: ISC
package dev.tealight.spi;

import dev.tealight.CpuState;
import java.util.Optional;

/**
 * Runs a guest that expects a processor's highest privilege level at its lowest, and carries out
 * the few privileged instructions of the guest's start-up itself. Offered by hosts that execute
 * unprivileged code natively and emulate privileged code, slowly and in part.
 *
 * <p>A guest that does more than set up memory, exceptions and thread-local storage at its
 * privilege level does not run this way; a boot protocol asks for it only if its guests do not.
 */
public non-sealed interface UnprivilegedStart extends VcpuAbility {

  /** Bytes of guest memory that the start needs for itself. */
  int SCRATCH_BYTE_SIZE = 3 * 4096;

  /**
   * Writes the state as {@link dev.tealight.Vcpu#writeState} does, except for the privilege level.
   * Page tables and whatever else the state refers to are in guest memory already, and are changed
   * as needed. vCPU thread only, before the first run.
   *
   * @param state the guest's state at the highest privilege level
   * @param scratch gpa of {@link #SCRATCH_BYTE_SIZE} bytes that the guest does not use,
   *     page-aligned; better not mapped
   * @throws IllegalArgumentException if guests with such a state cannot be started this way
   */
  void start(CpuState state, long scratch);

  /**
   * {@return why the guest runs unprivileged, for people; empty unless {@link #start} was called}
   */
  Optional<String> reason();
}
