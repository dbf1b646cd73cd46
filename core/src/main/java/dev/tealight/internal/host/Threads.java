// SPDX-License-Identifier: ISC
package dev.tealight.internal.host;

import org.jspecify.annotations.Nullable;

/** What is done with threads of a machine's own. */
public final class Threads {
  private Threads() {}

  /**
   * Waits for the end of a thread that was told to end and has nothing that could hold it up. An
   * interrupt does not end the wait, and is kept.
   *
   * @param thread or null, if it was never started
   */
  public static void join(@Nullable Thread thread) {
    boolean interrupted = false;
    while (thread != null && thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
