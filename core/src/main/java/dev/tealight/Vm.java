// SPDX-License-Identifier: ISC
package dev.tealight;

import dev.tealight.spi.VmAbility;
import java.util.List;
import java.util.Optional;

/**
 * One virtual machine: memory and vCPUs, with nothing running by itself.
 *
 * <p>Whoever created it closes it, after no vCPU runs any more; closing it closes its vCPUs and
 * ends the validity of its memory. Except where stated, one thread uses it at a time.
 */
public interface Vm extends AutoCloseable {

  /** {@return its memory, from guest physical address 0; any thread may use it} */
  GuestMemory memory();

  /**
   * Sets what the guest may do where, replacing what was set before; memory that no region names is
   * unrestricted. No vCPU may be running. What the host cannot withhold stays allowed to the
   * guest's instructions, but not to what the monitor does for it.
   *
   * @param regions without overlap, in any order
   * @throws IllegalArgumentException if regions overlap or leave memory
   * @throws HostCallException if the host refuses
   */
  void protect(List<Region> regions);

  /**
   * Creates the next vCPU, in the processor's reset state.
   *
   * @return a vCPU that lives as long as this VM
   * @throws HostCallException if the host refuses
   */
  Vcpu createVcpu();

  /**
   * {@return something that this VM can do beyond holding memory and vCPUs, or empty if its backend
   * cannot}
   *
   * @param type which ability
   * @param <T> which ability
   */
  default <T extends VmAbility> Optional<T> ability(Class<T> type) {
    return type.isInstance(this) ? Optional.of(type.cast(this)) : Optional.empty();
  }

  /**
   * Closes its vCPUs and frees it; harmless if repeated.
   *
   * @throws IllegalStateException if a vCPU is being run, or memory is in use, for instance by a
   *     channel that another thread reads into; memory stays valid then, and closing may be
   *     repeated
   * @throws HostCallException if the host fails; it is closed all the same
   */
  @Override
  void close();
}
