// SPDX-License-Identifier: ISC

package dev.tealight.testkit;

import dev.tealight.GuestMemory;
import dev.tealight.Region;
import dev.tealight.Vcpu;
import dev.tealight.Vm;
import dev.tealight.VmOptions;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/** A VM of the {@link MockHypervisor}. Any thread may look at it. */
public final class MockVm implements Vm {
  private final MockHypervisor hypervisor;
  private final GuestScript script;
  private final String name;
  private final VmOptions options;
  private final Arena arena = Arena.ofShared();
  private final GuestMemory memory;
  // Guarded by this.
  private final List<MockVcpu> vcpus = new ArrayList<>();
  private final List<List<Region>> protections = new ArrayList<>();
  private boolean closed;

  MockVm(MockHypervisor hypervisor, GuestScript script, String name, VmOptions options) {
    this.hypervisor = hypervisor;
    this.script = script;
    this.name = name;
    this.options = options;
    this.memory = GuestMemory.over(map(options.memoryByteSize(), arena));
  }

  /** Maps a file that nobody sees, because of such memory only what is touched is paid. */
  private static MemorySegment map(long byteSize, Arena arena) {
    try {
      Path file = Files.createTempFile("tealight-mock", ".memory");
      try (FileChannel channel =
          FileChannel.open(
              file,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE,
              StandardOpenOption.DELETE_ON_CLOSE)) {
        return channel.map(MapMode.PRIVATE, 0, byteSize, arena);
      }
    } catch (IOException e) {
      arena.close();
      throw new UncheckedIOException("mock guest memory of %d bytes".formatted(byteSize), e);
    }
  }

  /** {@return how it was asked for} */
  public VmOptions options() {
    return options;
  }

  /** {@return what {@link #protect} was called with, each time, in order} */
  public synchronized List<List<Region>> protections() {
    return List.copyOf(protections);
  }

  /** {@return all vCPUs created so far, closed ones too} */
  public synchronized List<MockVcpu> vcpus() {
    return List.copyOf(vcpus);
  }

  /**
   * {@return the vCPU of a test that creates one only}
   *
   * @throws IllegalStateException if there is not exactly one
   */
  public synchronized MockVcpu vcpu() {
    if (vcpus.size() != 1) {
      throw new IllegalStateException("%d vCPUs were created, not 1".formatted(vcpus.size()));
    }
    return vcpus.getFirst();
  }

  /** {@return whether it was closed} */
  public synchronized boolean isClosed() {
    return closed;
  }

  @Override
  public GuestMemory memory() {
    return memory;
  }

  @Override
  public synchronized void protect(List<Region> regions) {
    checkOpen();
    hypervisor.before(MockOperation.PROTECT);
    memory.restrict(regions);
    protections.add(List.copyOf(regions));
  }

  @Override
  public synchronized Vcpu createVcpu() {
    checkOpen();
    hypervisor.before(MockOperation.CREATE_VCPU);
    MockVcpu vcpu = new MockVcpu(this, script, "%s vcpu %d".formatted(name, vcpus.size()));
    vcpus.add(vcpu);
    hypervisor.opened(vcpu.name());
    return vcpu;
  }

  @Override
  public void close() {
    List<MockVcpu> mine;
    synchronized (this) {
      if (closed) {
        return;
      }
      mine = List.copyOf(vcpus);
    }
    mine.forEach(MockVcpu::close);
    try {
      arena.close();
    } catch (IllegalStateException e) {
      throw new IllegalStateException("memory of %s is in use".formatted(name), e);
    }
    synchronized (this) {
      closed = true;
    }
    hypervisor.closed(name);
  }

  String name() {
    return name;
  }

  MockHypervisor hypervisor() {
    return hypervisor;
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException(name + " is closed");
    }
  }
}
