// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.vm;

import dev.tealight.softcpu.internal.cpu.Environment;
import java.util.SplittableRandom;

/** Time by instructions executed, random numbers from a seed: every run is the same. */
final class VirtualEnvironment implements Environment {
  /** One instruction is one tick of a processor of this speed. */
  static final long FREQUENCY_HZ = 1_000_000_000;

  private final SplittableRandom random;

  VirtualEnvironment(long seed) {
    random = new SplittableRandom(seed);
  }

  @Override
  public long timestamp(long retired) {
    return retired;
  }

  @Override
  public long random() {
    return random.nextLong();
  }
}
