// SPDX-License-Identifier: ISC
package dev.tealight.spi;

import java.util.Optional;

/**
 * What a vCPU knows about why its guest may have failed, beyond registers: offered by processors in
 * software. It becomes part of the run's result. vCPU thread only.
 */
public non-sealed interface GuestDiagnosis extends VcpuAbility {

  /**
   * {@return what the guest met, for people and without a full stop, for instance an instruction
   * that the processor does not support, with its address; empty if there was nothing}
   */
  Optional<String> diagnosis();
}
