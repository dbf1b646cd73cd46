// SPDX-License-Identifier: ISC
package dev.tealight.spi;

/**
 * Saving and restoring everything a vCPU holds beyond {@link dev.tealight.CpuState}. vCPU thread
 * only.
 */
public non-sealed interface StateSaver extends VcpuAbility {

  /** {@return the format of {@link #save}'s bytes; a restorer accepts its own and older ones} */
  int formatVersion();

  /**
   * {@return the whole state, between two exits with nothing pending; the guest's memory is not
   * part of it}
   *
   * @throws IllegalStateException if an exit waits for its completion: kick the vCPU and run it
   *     until {@link dev.tealight.ExitKind#INTERRUPTED}
   */
  byte[] save();

  /**
   * Restores a state.
   *
   * @param formatVersion what {@link #formatVersion} was when it was saved
   * @param state what {@link #save} returned
   * @throws dev.tealight.ConfigurationException if the format is unknown or the bytes do not belong
   *     to this backend
   */
  void restore(int formatVersion, byte[] state);
}
