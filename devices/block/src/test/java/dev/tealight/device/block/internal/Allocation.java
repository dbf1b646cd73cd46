// SPDX-License-Identifier: ISC
package dev.tealight.device.block.internal;

import java.lang.reflect.Method;

/** What the current thread has allocated, asked of a module that this one does not require. */
final class Allocation {
  private final Object threads;
  private final Method getter;

  Allocation() throws ReflectiveOperationException {
    threads =
        Class.forName("java.lang.management.ManagementFactory")
            .getMethod("getThreadMXBean")
            .invoke(null);
    getter =
        Class.forName("com.sun.management.ThreadMXBean")
            .getMethod("getCurrentThreadAllocatedBytes");
  }

  long byteSize() throws ReflectiveOperationException {
    return (long) getter.invoke(threads);
  }
}
