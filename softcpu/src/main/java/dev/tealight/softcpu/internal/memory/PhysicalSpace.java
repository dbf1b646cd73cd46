// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.memory;

import java.lang.foreign.MemorySegment;

/**
 * The machine's physical address space as the processor sees it: RAM from address 0 and, outside
 * it, whatever the monitor answers.
 */
public interface PhysicalSpace {
  /** Returns the RAM, guest physical addresses {@code [0, ram().byteSize())}. */
  MemorySegment ram();

  /**
   * Returns what the machine allows on the 4 KiB page that contains {@code gpa}, as bits of {@link
   * Access}. Asked when a translation is cached, not on each access.
   *
   * @param gpa guest physical address inside RAM
   */
  int permissions(long gpa);

  /**
   * Reads outside RAM.
   *
   * @param byteSize 1, 2, 4 or 8
   * @return the value, zero-extended
   */
  long readOutside(long gpa, int byteSize);

  /** Writes outside RAM; {@code byteSize} is 1, 2, 4 or 8. */
  void writeOutside(long gpa, int byteSize, long value);

  /** Returns what to throw when the machine forbids {@code access} on the page of {@code gpa}. */
  RuntimeException violation(long gpa, long address, int access);
}
