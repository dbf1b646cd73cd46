// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.translate;

import java.lang.invoke.MethodHandle;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The classes made of regions, for all processors of one hypervisor: a machine that comes to the
 * same code as one before it takes the class that is there, with all that the JIT has done for it.
 *
 * <p>A class depends on nothing but the instructions of its region and the jumps between them, so
 * which machine it was made for makes no difference. The least recently wanted ones are dropped;
 * the JVM unloads them when no processor has them any more. Any thread.
 */
public final class SharedCode {
  private static final int MAX_CLASSES = 1000;

  private final int maxClasses;
  private final Map<Region.Content, MethodHandle> constructors =
      new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Region.Content, MethodHandle> eldest) {
          return size() > maxClasses;
        }
      };

  public SharedCode() {
    this(MAX_CLASSES);
  }

  /**
   * Creates one.
   *
   * @param maxClasses how many classes are kept
   */
  public SharedCode(int maxClasses) {
    this.maxClasses = maxClasses;
  }

  /** Returns how many classes there are. */
  public synchronized int size() {
    return constructors.size();
  }

  synchronized @Nullable MethodHandle constructor(Region.Content content) {
    return constructors.get(content);
  }

  synchronized void keep(Region.Content content, MethodHandle constructor) {
    constructors.putIfAbsent(content, constructor);
  }
}
