// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.vm;

import dev.tealight.Entropy;
import dev.tealight.softcpu.internal.cpu.Environment;
import java.nio.ByteBuffer;

/** The host's clock and the host's random numbers. */
final class HostEnvironment implements Environment {
  private static final int POOL_SIZE = 512;

  private final long start = System.nanoTime();
  private final Entropy entropy = Entropy.system();
  private final byte[] pool = new byte[POOL_SIZE];
  private final ByteBuffer view = ByteBuffer.wrap(pool);
  private int used = POOL_SIZE;

  @Override
  public long timestamp(long retired) {
    return TICKS_PER_NANO * (System.nanoTime() - start);
  }

  @Override
  public long random() {
    if (used == POOL_SIZE) {
      entropy.fill(pool);
      used = 0;
    }
    long value = view.getLong(used);
    used += Long.BYTES;
    return value;
  }
}
