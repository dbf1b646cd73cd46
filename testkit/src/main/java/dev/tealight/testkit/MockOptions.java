// SPDX-License-Identifier: ISC

package dev.tealight.testkit;

import dev.tealight.BackendOptions;
import java.util.Objects;

/**
 * Options of the mock backend, for code that opens backends by {@link
 * dev.tealight.Hypervisors#open(BackendOptions)}.
 *
 * @param script what the guests do
 */
public record MockOptions(GuestScript script) implements BackendOptions {

  /** The name of the mock backend, which is never chosen unless it is named. */
  public static final String BACKEND = "mock";

  /** Checks that there is a script. */
  public MockOptions {
    Objects.requireNonNull(script, "script");
  }

  @Override
  public String backend() {
    return BACKEND;
  }
}
