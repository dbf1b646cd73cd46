// SPDX-License-Identifier: ISC
package dev.tealight.fake;

import dev.tealight.CpuState;
import dev.tealight.ExitFrame;
import dev.tealight.ExitKind;
import dev.tealight.Vcpu;
import dev.tealight.X86CpuState;

/** A vCPU whose guest is a piece of Java. */
public final class FakeVcpu implements Vcpu {

  /** Stands for the guest's code up to its next exit. */
  @FunctionalInterface
  public interface Guest {
    ExitKind run(ExitFrame exit);
  }

  /** The frequency in boot information. */
  public static final long CYCLE_COUNTER_HZ = 2_500_000_000L;

  /** What runs next. */
  public Guest guest = exit -> exit.event(ExitKind.INTERRUPTED, 0, 0);

  private X86CpuState state = new X86CpuState();

  @Override
  public ExitKind run(ExitFrame exit) {
    return guest.run(exit);
  }

  @Override
  public void kick() {
    guest = exit -> exit.event(ExitKind.INTERRUPTED, 0, 0);
  }

  @Override
  public X86CpuState readState() {
    return state.copy();
  }

  @Override
  public void writeState(CpuState state) {
    this.state = (X86CpuState) state.copy();
  }

  @Override
  public long cycleCounterHz() {
    return CYCLE_COUNTER_HZ;
  }

  @Override
  public void close() {}
}
