// SPDX-License-Identifier: ISC
package dev.tealight;

import dev.tealight.spi.VcpuAbility;
import java.util.Optional;

/**
 * A virtual CPU. One thread at a time, its <em>vCPU thread</em>, calls everything but {@link
 * #kick}; the thread may change between calls, at a cost.
 */
public interface Vcpu extends AutoCloseable {

  /**
   * Runs the guest until it leaves guest mode. Not interruptible by {@link Thread#interrupt}: use
   * {@link #kick}.
   *
   * @param exit filled with what happened; after a read it must be passed again, since it holds the
   *     answer
   * @return {@code exit.kind()}
   * @throws HostCallException if the host fails; what the guest does wrong is an exit
   */
  ExitKind run(ExitFrame exit);

  /**
   * Makes the current run, or if there is none the next one, end with {@link ExitKind#INTERRUPTED}
   * before further guest instructions. Sticky; several kicks may collapse into one exit, and one
   * may cause a second, spurious one. An access that the vCPU had under way is completed first. Any
   * thread may call it at any time; after close it does nothing.
   */
  void kick();

  /** {@return a copy of the registers} */
  CpuState readState();

  /**
   * Sets the registers.
   *
   * @param state of this vCPU's instruction set
   * @throws HostCallException if the host refuses the values
   */
  void writeState(CpuState state);

  /** {@return the frequency of the cycle counter that the guest reads, in Hz, positive} */
  long cycleCounterHz();

  /**
   * {@return something that this vCPU can do beyond running, or empty if its backend cannot}
   *
   * @param type which ability
   * @param <T> which ability
   */
  default <T extends VcpuAbility> Optional<T> ability(Class<T> type) {
    return type.isInstance(this) ? Optional.of(type.cast(this)) : Optional.empty();
  }

  /** Frees it; harmless if repeated. Nobody may be running it. */
  @Override
  void close();
}
