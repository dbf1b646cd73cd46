// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.run;

import java.util.Arrays;

/** What a debugger has asked for, apart from watchpoints, which the memory keeps. */
public final class Debugging {
  private boolean singleStep;
  private long[] breakpoints = new long[0];

  public void singleStep(boolean on) {
    singleStep = on;
  }

  public boolean singleStep() {
    return singleStep;
  }

  /** Sets the linear addresses at which to stop before the instruction there runs. */
  public void breakpoints(long... addresses) {
    breakpoints = addresses.clone();
    Arrays.sort(breakpoints);
  }

  boolean isActive() {
    return singleStep || breakpoints.length > 0;
  }

  boolean stopsAt(long address) {
    return Arrays.binarySearch(breakpoints, address) >= 0;
  }
}
