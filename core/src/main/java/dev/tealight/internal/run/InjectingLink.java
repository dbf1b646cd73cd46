// SPDX-License-Identifier: ISC
package dev.tealight.internal.run;

import dev.tealight.ReadinessSource;
import dev.tealight.RunResult;
import dev.tealight.TimeSource;
import dev.tealight.Vcpu;
import dev.tealight.Waiter;
import dev.tealight.X86CpuState;
import dev.tealight.X86Register;
import dev.tealight.device.GuestCall;
import dev.tealight.device.GuestCallHandler;
import dev.tealight.device.Outcome;
import dev.tealight.spi.InterruptInjector;
import dev.tealight.spi.Platform;
import java.util.List;

/**
 * Brings a platform's interrupts to its vCPU, and lets the thread sleep while the vCPU is halted.
 * vCPU thread only.
 */
final class InjectingLink extends PlatformLink implements GuestCallHandler {
  private static final long INTERRUPT_FLAG = 1 << 9;

  /** How often descriptors are looked at while the guest computes: nothing else tells of them. */
  private static final long LOOK_NANOS = 1_000_000;

  private final Vcpu vcpu;
  private final TimeSource time;
  private final InterruptInjector injector;
  private final Alarm alarm;
  private final List<ReadinessSource> sources;
  private final boolean looks;
  private final HandlerTable.Entry halt = new HandlerTable.Entry("HLT", this);
  private boolean windowRequested;

  /**
   * Connects them.
   *
   * @param alarm kicks the vCPU
   * @param sources what may wake a halted vCPU
   */
  InjectingLink(
      Platform platform,
      Vcpu vcpu,
      InterruptInjector injector,
      TimeSource time,
      Alarm alarm,
      List<ReadinessSource> sources) {
    super(platform);
    this.vcpu = vcpu;
    this.injector = injector;
    this.time = time;
    this.alarm = alarm;
    this.sources = sources;
    this.looks = sources.stream().anyMatch(source -> source.descriptor() >= 0);
  }

  @Override
  HandlerTable.Entry halt() {
    return halt;
  }

  /** Hands over an interrupt, or arranges to be told when it can be handed over. */
  @Override
  void beforeEntry() {
    boolean pending = platform.hasInterrupt();
    boolean takesInterrupts = injector.canInject();
    if (pending && takesInterrupts) {
      injector.inject(platform.acknowledgeInterrupt());
      pending = platform.hasInterrupt();
    }
    long next = platform.nextEventNanos();
    // A guest that does not take interrupts needs no alarm. Most set their timer just before they
    // halt: that costs no wake-up of another thread.
    boolean window = pending || (!takesInterrupts && next != Waiter.NO_DEADLINE);
    if (window != windowRequested) {
      injector.requestWindow(window);
      windowRequested = window;
    }
    if (!takesInterrupts) {
      alarm.set(Waiter.NO_DEADLINE);
    } else {
      alarm.set(looks ? Math.min(next, time.deadlineAfter(LOOK_NANOS)) : next);
    }
  }

  @Override
  public Outcome handle(GuestCall call) {
    if (!interruptsEnabled()) {
      // Nothing can wake it: this is how guests without a way to power off end.
      return call.end(new RunResult.Halted(0));
    }
    alarm.set(Waiter.NO_DEADLINE);
    return resume(call);
  }

  @Override
  public Outcome resume(GuestCall call) {
    platform.poll(true);
    return platform.hasInterrupt()
        ? Outcome.CONTINUE
        : call.waitFor(platform.nextEventNanos(), sources);
  }

  private boolean interruptsEnabled() {
    return injector.canInject()
        || switch (vcpu.readState()) {
          case X86CpuState state -> (state.get(X86Register.RFLAGS) & INTERRUPT_FLAG) != 0;
        };
  }
}
