// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.cpu;

import java.lang.foreign.MemorySegment;

/** RAM of the machine and what the machine allows on its pages. */
public interface Ram {
  /** Returns guest physical addresses {@code [0, segment().byteSize())}. */
  MemorySegment segment();

  /** Returns the permissions of the page of {@code gpa} as bits of {@code Access}. */
  int permissions(long gpa);
}
