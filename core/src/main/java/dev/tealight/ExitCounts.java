// SPDX-License-Identifier: ISC
package dev.tealight;

import java.util.Arrays;

/** How often a vCPU left guest mode, by kind. Immutable. */
public final class ExitCounts {
  private final long[] counts;

  /**
   * Makes a copy.
   *
   * @param counts by {@link ExitKind#ordinal}
   */
  public ExitCounts(long[] counts) {
    this.counts = Arrays.copyOf(counts, ExitKind.values().length);
  }

  /**
   * {@return the number of exits of a kind}
   *
   * @param kind which
   */
  public long of(ExitKind kind) {
    return counts[kind.ordinal()];
  }

  /** {@return the number of all exits} */
  public long total() {
    return Arrays.stream(counts).sum();
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    for (ExitKind kind : ExitKind.values()) {
      if (of(kind) > 0) {
        text.append(text.isEmpty() ? "" : " ").append(kind).append('=').append(of(kind));
      }
    }
    return text.toString();
  }
}
