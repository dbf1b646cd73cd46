// SPDX-License-Identifier: ISC

package dev.tealight.examples;

import dev.tealight.Monitor;
import dev.tealight.RunResult;
import dev.tealight.device.block.BlockConfig;
import java.nio.file.Path;

/** Runs a unikernel that keeps its data on a disk, without changing the disk's file. */
public final class WithDisk {
  private WithDisk() {}

  /**
   * Runs it.
   *
   * @param image declares one block device, {@code storage}
   * @param disk read only; what the guest writes is forgotten
   * @return how it ended
   * @throws InterruptedException if the calling thread is interrupted
   */
  public static RunResult run(Path image, Path disk) throws InterruptedException {
    // snippet: attach-disk
    Monitor.Builder builder =
        Monitor.builder()
            .image(image)
            .device("storage", BlockConfig.overlay(BlockConfig.file(disk)).sectorByteSize(4096));
    // end
    try (Monitor monitor = builder.build()) {
      return monitor.run();
    }
  }
}
