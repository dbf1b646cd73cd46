// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.vm;

import dev.tealight.ReadinessSource;
import dev.tealight.TimeSource;
import dev.tealight.Waiter;
import dev.tealight.spi.WaiterProvider;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Parks the thread, until there is a descriptor to wait for: from then on somebody waits who can
 * poll it, if there is anybody.
 */
final class SoftcpuWaiter implements Waiter {
  private final ParkingWaiter parking = new ParkingWaiter();
  private final Supplier<Optional<Waiter>> pollers;
  private volatile @Nullable Waiter polling;
  private boolean sought; // the waiting thread's

  SoftcpuWaiter() {
    this(SoftcpuWaiter::findPoller);
  }

  /**
   * Creates one.
   *
   * @param pollers who polls, asked once, when there is something to poll
   */
  SoftcpuWaiter(Supplier<Optional<Waiter>> pollers) {
    this.pollers = pollers;
  }

  private static Optional<Waiter> findPoller() {
    return ServiceLoader.load(WaiterProvider.class, SoftcpuWaiter.class.getClassLoader())
        .findFirst()
        .flatMap(WaiterProvider::create);
  }

  @Override
  public void await(TimeSource time, long deadlineNanos, List<ReadinessSource> sources) {
    if (!sought && ParkingWaiter.hasDescriptors(sources)) {
      seekPoller();
    }
    Waiter poller = polling;
    (poller == null ? parking : poller).await(time, deadlineNanos, sources);
  }

  private void seekPoller() {
    sought = true;
    Waiter found = pollers.get().orElse(null);
    if (found != null) {
      polling = found;
      found.wake(); // whoever woke before saw only the other one
    }
  }

  @Override
  public void wake() {
    parking.wake();
    Waiter poller = polling;
    if (poller != null) {
      poller.wake();
    }
  }

  @Override
  public void close() {
    Waiter poller = polling;
    if (poller != null) {
      poller.close();
    }
  }
}
