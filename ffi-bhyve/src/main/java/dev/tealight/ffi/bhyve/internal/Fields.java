// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.StructLayout;

/**
 * Finds the fields of a structure by their names in the kernel's header. As offsets and not as
 * handles of their own, each of which the JDK would spin a class for: milliseconds at every start.
 */
final class Fields {
  private Fields() {}

  /** {@return the offset of a field in bytes} */
  static long offset(StructLayout layout, String name) {
    return layout.byteOffset(PathElement.groupElement(name));
  }
}
