// SPDX-License-Identifier: ISC
package dev.tealight.internal.run;

import dev.tealight.ReadinessSource;
import dev.tealight.TimeSource;
import dev.tealight.Vcpu;
import dev.tealight.Waiter;
import java.util.List;

/** A waiter whose wake-ups also reach a vCPU that is running: what came may be an interrupt. */
record KickingWaiter(Waiter waiter, Vcpu vcpu) implements Waiter {

  @Override
  public void await(TimeSource time, long deadlineNanos, List<ReadinessSource> sources) {
    waiter.await(time, deadlineNanos, sources);
  }

  @Override
  public void wake() {
    vcpu.kick();
    waiter.wake();
  }

  @Override
  public void close() {
    waiter.close();
  }
}
