// SPDX-License-Identifier: ISC
package dev.tealight.spi;

/**
 * An instruction set that guests are compiled for. What depends on it elsewhere is found in places
 * named after it.
 */
public enum GuestArchitecture {
  /** AMD64, also called Intel 64. */
  X86_64("x86-64", 62);

  private final String label;
  private final int elfMachine;

  GuestArchitecture(String label, int elfMachine) {
    this.label = label;
    this.elfMachine = elfMachine;
  }

  /** {@return the number that ELF files give it in {@code e_machine}} */
  public int elfMachine() {
    return elfMachine;
  }

  /** {@return its usual name} */
  @Override
  public String toString() {
    return label;
  }
}
