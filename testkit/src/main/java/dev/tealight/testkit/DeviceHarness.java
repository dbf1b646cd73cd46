// SPDX-License-Identifier: ISC

package dev.tealight.testkit;

import dev.tealight.GuestMemory;
import dev.tealight.Monitor;
import dev.tealight.MonitorObserver;
import dev.tealight.ReadinessSource;
import dev.tealight.RunHandle;
import dev.tealight.RunResult;
import dev.tealight.VmExit;
import dev.tealight.device.Device;
import dev.tealight.device.DeviceConfig;
import dev.tealight.device.FrameTransfer;
import dev.tealight.spi.BootContext.AttachedDevice;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.TimeUnit;

/**
 * A device in a running monitor, and its guest in the hands of a test: each request is served
 * before the method that makes it returns.
 *
 * <p>The monitor is a real one on a {@link MockHypervisor}. The device is called {@code device1},
 * has the handle 1, and sees {@link VirtualTime}, so that it waits without delay. One thread at a
 * time.
 */
public final class DeviceHarness implements AutoCloseable {

  /** The handle of the device. */
  public static final int HANDLE = 1;

  /** Bytes of guest memory. */
  public static final long MEMORY_BYTE_SIZE = 4L << 20;

  private static final String NAME = "device1";

  /** Ends what hangs, and nothing else: a busy host may take long over a request. */
  private static final long PATIENCE_NANOS = TimeUnit.MINUTES.toNanos(1);

  /**
   * A failure of the host that the device reported.
   *
   * @param what the operation
   * @param cause what the host reported
   */
  public record HostFailure(String what, Exception cause) {}

  private final VirtualTime time = new VirtualTime();
  private final MockHypervisor hypervisor = new MockHypervisor(this::play);
  private final Monitor monitor;
  private final RunHandle run;
  private final AttachedDevice device;
  // All guarded by this.
  private final Queue<VmExit> requests = new ArrayDeque<>();
  private final List<HostFailure> hostFailures = new ArrayList<>();
  private boolean idle;
  private boolean ended;

  private DeviceHarness(Attachment attachment, String type) {
    ScriptedBoot boot = new ScriptedBoot(type);
    Monitor.Builder builder =
        Monitor.builder()
            .image("device test", new byte[0])
            .bootProtocol(boot)
            .memoryByteSize(MEMORY_BYTE_SIZE)
            .timeSource(time)
            .hypervisor(hypervisor)
            .executor(guest -> Thread.ofPlatform().start(() -> runToEnd(guest)))
            .observer(new Observer());
    attachment.to(builder);
    monitor = builder.build();
    device = boot.attached().getFirst();
    run = monitor.start();
    awaitIdle();
  }

  private interface Attachment {
    void to(Monitor.Builder builder);
  }

  /**
   * Makes and attaches a device.
   *
   * @param type the manifest's word for its kind
   * @param config makes it
   * @return a harness that the caller closes, and the device with it
   */
  public static DeviceHarness of(String type, DeviceConfig config) {
    return new DeviceHarness(builder -> builder.device(NAME, config), type);
  }

  /**
   * Attaches a device.
   *
   * @param device stays the caller's to close, after the harness
   * @return a harness that the caller closes
   */
  public static DeviceHarness of(Device device) {
    return new DeviceHarness(builder -> builder.device(NAME, device), device.type());
  }

  /** {@return the memory of the guest} */
  public GuestMemory memory() {
    return monitor.memory();
  }

  /** {@return the VM, to protect its memory} */
  public MockVm vm() {
    return hypervisor.vm();
  }

  /** {@return the clocks that the device sees} */
  public VirtualTime time() {
    return time;
  }

  /** {@return what the device tells its guest about itself: 16 bytes} */
  public byte[] properties() {
    return device.properties().toArray(ValueLayout.JAVA_BYTE);
  }

  /** {@return what a guest that waits for the device waits for} */
  public List<ReadinessSource> readiness() {
    return device.readiness();
  }

  /** {@return how the frames of a network device are moved without hypercalls} */
  public Optional<FrameTransfer> frames() {
    return device.frames();
  }

  /**
   * Makes a hypercall.
   *
   * @param nr 0 to 253
   * @param argument 32 bits, unsigned: the address of the argument block, which the test has filled
   * @throws AssertionError if it is not served within a minute
   * @throws IllegalStateException if the run has ended
   */
  public void hypercall(int nr, long argument) {
    request(ScriptedBoot.hypercall(nr, argument));
  }

  /**
   * Makes any request.
   *
   * @param exit that shows it
   * @throws AssertionError if it is not served within a minute
   * @throws IllegalStateException if the run has ended
   */
  public void request(VmExit exit) {
    synchronized (this) {
      if (ended) {
        throw new IllegalStateException("the run has ended: " + run.result());
      }
      requests.add(exit);
      idle = false;
    }
    hypervisor.vm().vcpu().kick();
    awaitIdle();
  }

  /**
   * Makes a read of a port or of an address outside memory.
   *
   * @param read a {@link VmExit.IoRead} or {@link VmExit.MmioRead}
   * @return what the guest got
   * @throws AssertionError if it is not served within a minute
   * @throws IllegalStateException if the run has ended
   */
  public long read(VmExit read) {
    request(read);
    return hypervisor.vm().vcpu().completedReads().getLast().value();
  }

  /**
   * {@return how the run ended, or empty if it goes on: a request was a fault of the guest, or the
   * device ended it}
   *
   * @throws dev.tealight.VmmException if it failed because of the host
   */
  public Optional<RunResult> result() {
    return run.result();
  }

  /** {@return the failures of the host that the device reported so far, in order} */
  public synchronized List<HostFailure> hostFailures() {
    return List.copyOf(hostFailures);
  }

  /** Stops the guest and frees everything. */
  @Override
  public void close() {
    monitor.close();
    hypervisor.close();
  }

  /** The guest: makes the requests of the test and spins between them. */
  private VmExit play(MockVcpu guest) {
    synchronized (this) {
      VmExit next = requests.poll();
      if (next != null) {
        return next;
      }
      idle = true;
      notifyAll();
    }
    return guest.spin();
  }

  private void runToEnd(Runnable guest) {
    try {
      guest.run();
    } finally {
      synchronized (this) {
        ended = true;
        notifyAll();
      }
    }
  }

  private synchronized void awaitIdle() {
    long deadline = System.nanoTime() + PATIENCE_NANOS;
    while (!idle && !ended) {
      long millis = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
      if (millis <= 0) {
        throw new AssertionError("the request is not served after a minute: does the device wait?");
      }
      try {
        wait(millis);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new AssertionError("interrupted while a request is served", e);
      }
    }
  }

  private final class Observer implements MonitorObserver {
    @Override
    public void deviceError(Monitor of, String name, String what, Exception cause) {
      synchronized (DeviceHarness.this) {
        hostFailures.add(new HostFailure(what, cause));
      }
    }
  }
}
