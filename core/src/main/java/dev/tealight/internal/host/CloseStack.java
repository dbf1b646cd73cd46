// SPDX-License-Identifier: ISC
package dev.tealight.internal.host;

import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/** What was opened so far, closed in reverse order. One thread at a time. */
public final class CloseStack implements AutoCloseable {

  /** A resource whose closing throws nothing checked. */
  @FunctionalInterface
  public interface Resource {
    /** Frees it. */
    void close();
  }

  private final Deque<Resource> resources = new ArrayDeque<>();

  /** Creates an empty stack. */
  public CloseStack() {}

  /**
   * Adds what {@link #close} closes before everything that is there by now.
   *
   * @param resource to be closed
   */
  public void push(Resource resource) {
    resources.push(resource);
  }

  /**
   * Closes all of it, each once; the first failure is thrown in the end with the others suppressed.
   */
  @Override
  public void close() {
    Throwable failure = null;
    for (Resource next = resources.poll(); next != null; next = resources.poll()) {
      failure = closing(next, failure);
    }
    if (failure instanceof Error e) {
      throw e;
    }
    if (failure != null) {
      throw (RuntimeException) failure;
    }
  }

  private static @Nullable Throwable closing(Resource resource, @Nullable Throwable earlier) {
    try {
      resource.close();
      return earlier;
    } catch (RuntimeException | Error e) {
      if (earlier == null) {
        return e;
      }
      earlier.addSuppressed(e);
      return earlier;
    }
  }
}
