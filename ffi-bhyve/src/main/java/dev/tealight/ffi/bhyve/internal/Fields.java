// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/** Finds the fields of a structure by their names in the kernel's header. */
final class Fields {
  private Fields() {}

  /** {@return the offset of a field in bytes} */
  static long offset(StructLayout layout, String name) {
    return layout.byteOffset(PathElement.groupElement(name));
  }

  /** {@return a field as an exact handle that takes the segment alone, structure at its start} */
  static VarHandle handle(StructLayout layout, String name) {
    return MethodHandles.insertCoordinates(layout.varHandle(PathElement.groupElement(name)), 1, 0L)
        .withInvokeExactBehavior();
  }
}
