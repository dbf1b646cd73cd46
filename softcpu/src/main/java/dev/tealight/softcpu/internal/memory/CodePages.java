// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.memory;

/** Told when bytes from which instructions were decoded may have changed. */
public interface CodePages {
  /**
   * Reports whether instructions were decoded from the 4 KiB page of {@code gpa}; writes to such a
   * page are reported one by one.
   */
  boolean holdsCode(long gpa);

  /** The bytes {@code [gpa, gpa + byteSize)} are about to change. */
  void written(long gpa, long byteSize);
}
