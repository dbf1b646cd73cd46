// SPDX-License-Identifier: ISC
package dev.tealight.fake;

import dev.tealight.GuestMemory;
import dev.tealight.Region;
import dev.tealight.Vcpu;
import dev.tealight.Vm;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/** Memory without a machine. Large memories cost what is touched. */
public final class FakeVm implements Vm {
  private static final long LARGEST_ARRAY = 64L << 20;

  private final Arena arena = Arena.ofShared();
  private final GuestMemory memory;

  /** The regions as they were last set. */
  public List<Region> regions = List.of();

  public FakeVm(long byteSize) {
    memory =
        GuestMemory.over(
            byteSize <= LARGEST_ARRAY
                ? MemorySegment.ofArray(new long[(int) (byteSize / Long.BYTES)])
                : sparse(byteSize));
  }

  private MemorySegment sparse(long byteSize) {
    try {
      Path file = Files.createTempFile("guest", ".memory");
      try (FileChannel channel =
          FileChannel.open(
              file,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE,
              StandardOpenOption.DELETE_ON_CLOSE)) {
        return channel.map(FileChannel.MapMode.READ_WRITE, 0, byteSize, arena);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public GuestMemory memory() {
    return memory;
  }

  @Override
  public void protect(List<Region> regions) {
    this.regions = List.copyOf(regions);
    memory.restrict(regions);
  }

  @Override
  public Vcpu createVcpu() {
    return new FakeVcpu();
  }

  @Override
  public void close() {
    arena.close();
  }
}
