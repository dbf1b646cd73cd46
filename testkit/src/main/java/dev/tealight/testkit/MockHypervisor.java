// SPDX-License-Identifier: ISC

package dev.tealight.testkit;

import dev.tealight.Hypervisor;
import dev.tealight.Vm;
import dev.tealight.VmOptions;
import dev.tealight.Waiter;
import dev.tealight.spi.GuestArchitecture;
import dev.tealight.testkit.internal.MockWaiter;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A hypervisor whose guests are {@linkplain GuestScript scripts}: for unit tests of devices,
 * hypercalls and monitors, on any host and in no time.
 *
 * <p>It keeps the contracts of {@link Hypervisor}, {@link Vm} and {@link dev.tealight.Vcpu} to the
 * letter where no processor is needed, records what it is asked for, and fails where it is told to.
 * It does not execute instructions, and knows of the guest's memory and registers only what the
 * script says.
 *
 * <p>Any thread may use it.
 */
public final class MockHypervisor implements Hypervisor {
  private final GuestScript script;
  // All guarded by this.
  private final List<MockVm> vms = new ArrayList<>();
  private final List<String> open = new ArrayList<>();
  private final Map<MockOperation, Failure> failures = new EnumMap<>(MockOperation.class);
  private int waiterCount;
  private boolean closed;

  /** What an operation is going to throw, after it went well a number of times. */
  private record Failure(int successes, Supplier<? extends RuntimeException> thrown) {}

  /**
   * Creates one.
   *
   * @param script played by every vCPU, each from its beginning
   */
  public MockHypervisor(GuestScript script) {
    this.script = Objects.requireNonNull(script, "script");
  }

  /**
   * Makes an operation fail the next time, once.
   *
   * @param operation what fails
   * @param failure what it throws
   */
  public void fail(MockOperation operation, Supplier<? extends RuntimeException> failure) {
    failAfter(0, operation, failure);
  }

  /**
   * Makes an operation fail, once, after it went well some times more. Replaces what was said about
   * this operation before.
   *
   * @param successes how often it goes well from now on, at least 0
   * @param operation what fails
   * @param failure what it throws
   */
  public synchronized void failAfter(
      int successes, MockOperation operation, Supplier<? extends RuntimeException> failure) {
    failures.put(operation, new Failure(successes, failure));
  }

  /** {@return all VMs created so far, closed ones too} */
  public synchronized List<MockVm> vms() {
    return List.copyOf(vms);
  }

  /**
   * {@return the VM of a test that creates one only}
   *
   * @throws IllegalStateException if there is not exactly one
   */
  public synchronized MockVm vm() {
    if (vms.size() != 1) {
      throw new IllegalStateException("%d VMs were created, not 1".formatted(vms.size()));
    }
    return vms.getFirst();
  }

  /**
   * {@return the names of what was created and is not closed: VMs, vCPUs and waiters, in the order
   * of creation} Empty after a test that closes everything.
   */
  public synchronized List<String> openResources() {
    return List.copyOf(open);
  }

  /** {@return whether it was closed} */
  public synchronized boolean isClosed() {
    return closed;
  }

  @Override
  public String name() {
    return MockOptions.BACKEND;
  }

  @Override
  public String description() {
    return "scripted guests, nothing is executed";
  }

  @Override
  public GuestArchitecture architecture() {
    return GuestArchitecture.X86_64;
  }

  @Override
  public synchronized Vm createVm(VmOptions options) {
    checkOpen();
    before(MockOperation.CREATE_VM);
    MockVm vm = new MockVm(this, script, "vm " + vms.size(), options);
    vms.add(vm);
    opened(vm.name());
    return vm;
  }

  @Override
  public synchronized Waiter createWaiter() {
    checkOpen();
    before(MockOperation.CREATE_WAITER);
    String name = "waiter " + waiterCount++;
    opened(name);
    return new MockWaiter(() -> before(MockOperation.AWAIT), () -> closed(name));
  }

  @Override
  public synchronized void close() {
    if (!open.isEmpty()) {
      throw new IllegalStateException("close these first: " + String.join(", ", open));
    }
    closed = true;
  }

  /** Throws what a test has prepared for an operation. */
  void before(MockOperation operation) {
    RuntimeException thrown = null;
    synchronized (this) {
      Failure failure = failures.get(operation);
      if (failure != null && failure.successes > 0) {
        failures.put(operation, new Failure(failure.successes - 1, failure.thrown));
      } else if (failure != null) {
        failures.remove(operation);
        thrown = failure.thrown.get();
      }
    }
    throwIfNotNull(thrown);
  }

  private static void throwIfNotNull(@Nullable RuntimeException thrown) {
    if (thrown != null) {
      throw thrown;
    }
  }

  synchronized void opened(String name) {
    open.add(name);
  }

  synchronized void closed(String name) {
    open.remove(name);
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("the mock hypervisor is closed");
    }
  }
}
