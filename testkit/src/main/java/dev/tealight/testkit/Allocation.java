// SPDX-License-Identifier: ISC

package dev.tealight.testkit;

import java.lang.reflect.Method;

/**
 * What the calling thread has allocated on the Java heap, for tests of paths that must not. Asks
 * the JVM's management by reflection, so that nobody has to require its modules for a test.
 */
public final class Allocation {
  private final Object threads;
  private final Method getter;

  /**
   * Prepares the question.
   *
   * @throws IllegalStateException if this JVM cannot tell
   */
  public Allocation() {
    try {
      threads =
          Class.forName("java.lang.management.ManagementFactory")
              .getMethod("getThreadMXBean")
              .invoke(null);
      getter =
          Class.forName("com.sun.management.ThreadMXBean")
              .getMethod("getCurrentThreadAllocatedBytes");
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("this JVM does not tell what threads allocate", e);
    }
  }

  /** {@return bytes allocated by this thread since it started} Itself allocates a few. */
  public long byteSize() {
    try {
      return (long) getter.invoke(threads);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("this JVM does not tell what threads allocate", e);
    }
  }
}
