// SPDX-License-Identifier: ISC

package dev.tealight.testkit.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tealight.GuestMemory;
import dev.tealight.Hypervisor;
import dev.tealight.Hypervisors;
import dev.tealight.Protection;
import dev.tealight.ReadinessSource;
import dev.tealight.Region;
import dev.tealight.TimeSource;
import dev.tealight.Vcpu;
import dev.tealight.Vm;
import dev.tealight.VmOptions;
import dev.tealight.Waiter;
import dev.tealight.spi.Availability;
import dev.tealight.spi.HypervisorProvider;
import dev.tealight.testkit.HostResources;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousServerSocketChannel;
import java.nio.channels.AsynchronousSocketChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What every {@link Hypervisor} does, with its VMs and waiters. */
public abstract class HypervisorContract {
  private static final long MEMORY_BYTE_SIZE = 4L << 20;
  private static final long FAR_NANOS = TimeUnit.SECONDS.toNanos(60);
  private static final TimeSource TIME = TimeSource.system();

  private Hypervisor hypervisor;

  /** For subclasses. */
  protected HypervisorContract() {}

  /**
   * {@return the hypervisor to test, to be closed by the suite}
   *
   * <p>A test class of an integration test skips itself where the host lacks what it needs, by
   * {@link org.junit.jupiter.api.Assumptions} with the reason.
   */
  protected abstract Hypervisor open();

  /**
   * {@return the provider to ask whether it can run guests here; unless overridden, the installed
   * one}
   *
   * @param installed under the name of the hypervisor to test
   */
  protected HypervisorProvider provider(HypervisorProvider installed) {
    return installed;
  }

  @BeforeEach
  void openHypervisor() {
    hypervisor = open();
  }

  @AfterEach
  void closeHypervisor() {
    if (hypervisor != null) {
      hypervisor.close();
    }
  }

  private Vm createVm() {
    return hypervisor.createVm(VmOptions.ofMemory(MEMORY_BYTE_SIZE));
  }

  // Being found.

  @Test
  void itsProviderIsInstalledUnderItsNameAndAvailable() {
    List<HypervisorProvider> named =
        Hypervisors.installed().stream()
            .filter(provider -> provider.name().equals(hypervisor.name()))
            .toList();
    assertEquals(1, named.size());
    HypervisorProvider provider = provider(named.getFirst());
    Availability availability = provider.availability();
    assertTrue(availability instanceof Availability.Available, availability::toString);
    try (Hypervisor opened = provider.open(Optional.empty())) {
      assertEquals(hypervisor.name(), opened.name());
    }
  }

  @Test
  void descriptionIsOneLine() {
    assertFalse(hypervisor.description().isBlank());
    assertEquals(1, hypervisor.description().lines().count());
  }

  // Memory.

  @Test
  void memoryHasTheSizeAskedForAndIsZero() {
    try (Vm vm = createVm()) {
      assertEquals(MEMORY_BYTE_SIZE, vm.memory().byteSize());
      assertEquals(-1, vm.memory().unrestricted().mismatch(zeros()));
    }
  }

  /** A channel that waits for bytes to put into guest memory, as another thread may have one. */
  @Test
  void vmWhoseMemoryTheHostUsesIsClosedAfterwards() throws Exception {
    InetSocketAddress anyPort = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    try (AsynchronousServerSocketChannel server =
            AsynchronousServerSocketChannel.open().bind(anyPort);
        AsynchronousSocketChannel sender = AsynchronousSocketChannel.open()) {
      Future<AsynchronousSocketChannel> accepted = server.accept();
      sender.connect(server.getLocalAddress()).get();
      try (AsynchronousSocketChannel receiver = accepted.get()) {
        Vm vm = createVm();
        Future<Integer> received = receiver.read(vm.memory().slice(0, 4).asByteBuffer());
        assertThrows(IllegalStateException.class, vm::close);
        assertEquals(0, vm.memory().readInt(0));
        assertThrows(IllegalStateException.class, hypervisor::close);
        sender.write(ByteBuffer.wrap(new byte[] {1, 2, 3, 4})).get();
        assertEquals(4, received.get());
        assertEquals(0x04030201, vm.memory().readInt(0));
        vm.close();
        assertThrows(IllegalStateException.class, () -> vm.memory().readInt(0));
      }
    }
  }

  private static MemorySegment zeros() {
    return MemorySegment.ofArray(new byte[(int) MEMORY_BYTE_SIZE]);
  }

  @ParameterizedTest
  @EnumSource
  void memoryOfEveryPolicyIsZeroAlsoAfterAnotherVmUsedSuch(VmOptions.HugePages policy) {
    for (int round = 0; round < 3; round++) {
      try (Vm vm = hypervisor.createVm(new VmOptions(MEMORY_BYTE_SIZE, policy))) {
        assertEquals(-1, vm.memory().unrestricted().mismatch(zeros()));
        vm.memory().unrestricted().fill((byte) 0xa5);
      }
    }
  }

  @Test
  void memoryOfOnePageIsEnough() {
    try (Vm vm = hypervisor.createVm(VmOptions.ofMemory(GuestMemory.PAGE_BYTE_SIZE))) {
      vm.memory().writeByte(GuestMemory.PAGE_BYTE_SIZE - 1, (byte) 1);
      assertEquals(1, vm.memory().readByte(GuestMemory.PAGE_BYTE_SIZE - 1));
    }
  }

  @Test
  void untouchedMemoryIsNotPaidFor() {
    try (Vm vm = hypervisor.createVm(VmOptions.ofMemory(4L << 30))) {
      vm.memory().writeLong((4L << 30) - 8, 1);
      assertEquals(1, vm.memory().readLong((4L << 30) - 8));
    }
  }

  @Test
  void memoriesOfTwoVmsAreTwo() {
    try (Vm one = createVm();
        Vm other = createVm()) {
      one.memory().writeInt(0x1000, 1);
      other.memory().writeInt(0x1000, 2);
      assertEquals(1, one.memory().readInt(0x1000));
    }
  }

  @Test
  void memoryOfAClosedVmIsGone() {
    GuestMemory memory;
    MemorySegment slice;
    try (Vm vm = createVm()) {
      memory = vm.memory();
      slice = memory.slice(0x1000, 16);
    }
    assertThrows(IllegalStateException.class, () -> memory.readByte(0));
    assertThrows(IllegalStateException.class, () -> memory.writeByte(0, (byte) 1));
    assertThrows(IllegalStateException.class, () -> slice.fill((byte) 0));
  }

  @Test
  void protectionIsSeenInMemory() {
    Region region = new Region(0x2000, 0x1000, Protection.READ_ONLY);
    try (Vm vm = createVm()) {
      vm.protect(List.of(region));
      assertEquals(List.of(region), vm.memory().regions());
      assertFalse(vm.memory().isWritable(0x2fff, 2));
      vm.protect(List.of());
      assertTrue(vm.memory().isWritable(0x2fff, 2));
    }
  }

  @Test
  void protectionThatOverlapsOrLeavesMemoryIsRefused() {
    try (Vm vm = createVm()) {
      List<Region> overlap =
          List.of(
              new Region(0x1000, 0x2000, Protection.ALL),
              new Region(0x2000, 0x1000, Protection.READ_ONLY));
      assertThrows(IllegalArgumentException.class, () -> vm.protect(overlap));
      List<Region> outside =
          List.of(new Region(MEMORY_BYTE_SIZE - 0x1000, 0x2000, Protection.READ_ONLY));
      assertThrows(IllegalArgumentException.class, () -> vm.protect(outside));
      assertEquals(List.of(), vm.memory().regions());
    }
  }

  // Owning.

  @Test
  void hypervisorWithAnOpenVmIsNotClosed() {
    try (Vm vm = createVm()) {
      assertThrows(IllegalStateException.class, hypervisor::close);
      vm.createVcpu().close();
      createVm().close();
    }
  }

  @Test
  void everythingIsClosedTwiceWithoutHarm() {
    Vm vm = createVm();
    Vcpu vcpu = vm.createVcpu();
    Waiter waiter = hypervisor.createWaiter();
    for (int i = 0; i < 2; i++) {
      waiter.close();
      vcpu.close();
      vm.close();
    }
    hypervisor.close();
    hypervisor.close();
  }

  @Test
  void closedHypervisorAndVmCreateNothing() {
    Vm vm = createVm();
    vm.close();
    assertThrows(IllegalStateException.class, vm::createVcpu);
    assertThrows(IllegalStateException.class, () -> vm.protect(List.of()));
    hypervisor.close();
    assertThrows(IllegalStateException.class, this::createVm);
  }

  @Test
  void closingAVmClosesItsVcpus() {
    Vm vm = createVm();
    vm.createVcpu();
    vm.createVcpu();
    vm.close();
    hypervisor.close();
  }

  @Test
  void vmsAreCreatedAndClosedByManyThreadsAtOnce() throws Exception {
    List<Future<Void>> all = new ArrayList<>();
    try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
      for (int i = 0; i < 32; i++) {
        all.add(
            threads.submit(
                () -> {
                  try (Vm vm = createVm()) {
                    vm.createVcpu();
                  }
                  return null;
                }));
      }
    }
    for (Future<Void> each : all) {
      each.get();
    }
  }

  @Test
  void closedVmsLeaveNothingBehind() {
    assumeTrue(HostResources.isKnown(), "this host does not tell what a process holds");
    HostResources.assertNothingLeftBy(
        20,
        40,
        () -> {
          try (Vm vm = createVm();
              Waiter waiter = hypervisor.createWaiter()) {
            vm.createVcpu();
            waiter.wake();
          }
        });
  }

  // Waiting.

  /** Ready when told so, by waking its waiter. */
  private static final class Flag implements ReadinessSource {
    private final AtomicBoolean ready = new AtomicBoolean();

    @Override
    public boolean isReady() {
      return ready.get();
    }
  }

  private static long in(long nanos) {
    return TIME.deadlineAfter(nanos);
  }

  @Test
  void waitEndsAtItsDeadlineAndNotBefore() {
    try (Waiter waiter = hypervisor.createWaiter()) {
      for (long nanos : new long[] {0, 1, 50_000, 3_000_000}) {
        long deadline = in(nanos);
        while (System.nanoTime() < deadline) {
          waiter.await(TIME, deadline, List.of());
        }
      }
    }
  }

  /** Waits, and fails if only the deadline, far away, ended the wait. */
  private static void awaitEarlyEnd(Waiter waiter, List<ReadinessSource> sources) {
    long deadline = in(FAR_NANOS);
    waiter.await(TIME, deadline, sources);
    assertTrue(TIME.monotonicNanos() < deadline, "only the deadline ended the wait");
  }

  @Test
  void wakeBeforeTheWaitEndsItAtOnce() {
    try (Waiter waiter = hypervisor.createWaiter()) {
      waiter.wake();
      waiter.wake();
      awaitEarlyEnd(waiter, List.of());
      waiter.wake();
      waiter.await(TIME, Waiter.NO_DEADLINE, List.of());
    }
  }

  @Test
  void wakeFromAnotherThreadEndsTheWait() throws InterruptedException {
    try (Waiter waiter = hypervisor.createWaiter()) {
      for (int i = 0; i < 20; i++) {
        AtomicBoolean wanted = new AtomicBoolean();
        Thread other =
            Thread.ofPlatform()
                .start(
                    () -> {
                      wanted.set(true);
                      waiter.wake();
                    });
        while (!wanted.get()) {
          awaitEarlyEnd(waiter, List.of());
        }
        other.join();
      }
    }
  }

  @Test
  void readySourceEndsTheWait() throws InterruptedException {
    Flag flag = new Flag();
    List<ReadinessSource> sources = List.of(new Flag(), flag);
    try (Waiter waiter = hypervisor.createWaiter()) {
      sources.forEach(source -> source.attach(waiter));
      Thread other =
          Thread.ofPlatform()
              .start(
                  () -> {
                    VcpuFixture.sleep(5);
                    flag.ready.set(true);
                    waiter.wake();
                  });
      while (!flag.isReady()) {
        awaitEarlyEnd(waiter, sources);
      }
      other.join();
    }
  }

  @Test
  void sourceThatIsReadyBeforehandNeedsNoWakeUp() {
    Flag flag = new Flag();
    flag.ready.set(true);
    try (Waiter waiter = hypervisor.createWaiter()) {
      flag.attach(waiter);
      awaitEarlyEnd(waiter, List.of(flag));
      awaitEarlyEnd(waiter, List.of(flag));
    }
  }

  @Test
  void interruptedThreadStaysInterruptedAndStillWaits() {
    try (Waiter waiter = hypervisor.createWaiter()) {
      Thread.currentThread().interrupt();
      long deadline = in(2_000_000);
      while (System.nanoTime() < deadline) {
        waiter.await(TIME, deadline, List.of());
      }
    } finally {
      assertTrue(Thread.interrupted());
    }
  }

  @Test
  void closedWaiterIsWokenWithoutHarm() {
    Waiter waiter = hypervisor.createWaiter();
    waiter.close();
    waiter.wake();
  }
}
