// SPDX-License-Identifier: ISC
package dev.tealight.spi;

/** Interrupts from emulated controllers. vCPU thread only. */
public non-sealed interface InterruptInjector extends VcpuAbility {

  /** {@return whether the guest would take an interrupt now} */
  boolean canInject();

  /**
   * Delivers an external interrupt with the next run.
   *
   * @param vector 0 to 255
   * @throws IllegalStateException if {@link #canInject} is false
   */
  void inject(int vector);

  /**
   * Asks for a {@link dev.tealight.ExitKind#INTERRUPT_WINDOW} exit as soon as {@link #canInject}
   * becomes true.
   *
   * @param wanted false takes the wish back
   */
  void requestWindow(boolean wanted);
}
