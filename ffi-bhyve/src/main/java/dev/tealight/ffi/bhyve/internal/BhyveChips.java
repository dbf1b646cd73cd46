// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.tealight.ffi.posix.Descriptor;
import dev.tealight.spi.HostedChips;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The two 8259, the 8254 and the MC146818 that every VM of vmm has in the kernel. Of lines the
 * kernel counts how often they were asserted, but only while the guest has its interrupt controller
 * initialized: one lowering too many, and a line is dead.
 */
final class BhyveChips implements HostedChips {
  /** {@code LEVEL_TRIGGER} of {@code enum vm_intr_trigger}. */
  static final int LEVEL_TRIGGER = 1;

  private static final int LINE_COUNT = 16;

  /** The line leads to the 8259 alone. */
  private static final int NO_IO_APIC = -1;

  private final Descriptor vm;
  private final MemorySegment line;
  private final MemorySegment trigger;
  private final MemorySegment time;
  private int levels; // a bit for each line that was made level-triggered
  private int asserted;

  BhyveChips(Descriptor vm, Arena arena) {
    this.vm = vm;
    line = arena.allocate(VmmStructs.ISA_IRQ);
    line.set(JAVA_INT, Fields.offset(VmmStructs.ISA_IRQ, "ioapic_irq"), NO_IO_APIC);
    trigger = arena.allocate(VmmStructs.ISA_IRQ_TRIGGER);
    trigger.set(JAVA_INT, Fields.offset(VmmStructs.ISA_IRQ_TRIGGER, "trigger"), LEVEL_TRIGGER);
    time = arena.allocate(VmmStructs.RTC_TIME);
  }

  @Override
  public void levelTrigger(int number) {
    trigger.set(JAVA_INT, Fields.offset(VmmStructs.ISA_IRQ_TRIGGER, "atpic_irq"), number);
    vm.ioctl(VmmIoctl.ISA_SET_IRQ_TRIGGER, trigger, this);
    levels |= 1 << number;
  }

  @Override
  public void setLevel(int number, boolean asserted) {
    boolean isLine = number >= 0 && number < LINE_COUNT; // others are the kernel's to refuse
    if (isLine && (this.asserted >>> number & 1) != 0 == asserted) {
      return;
    }
    line.set(JAVA_INT, Fields.offset(VmmStructs.ISA_IRQ, "atpic_irq"), number);
    vm.ioctl(asserted ? VmmIoctl.ISA_ASSERT_IRQ : VmmIoctl.ISA_DEASSERT_IRQ, line, this);
    this.asserted ^= 1 << number;
  }

  /** Makes up for a reset, by which the kernel forgot all lines but not the clock. */
  void restore() {
    asserted = 0;
    for (int number = 0; number < LINE_COUNT; number++) {
      if ((levels >>> number & 1) != 0) {
        levelTrigger(number);
      }
    }
  }

  @Override
  public void setClock(long epochSeconds) {
    time.set(JAVA_LONG, Fields.offset(VmmStructs.RTC_TIME, "secs"), epochSeconds);
    vm.ioctl(VmmIoctl.RTC_SETTIME, time, this);
  }

  /** What a request was about, for messages. */
  @Override
  public String toString() {
    return "line=%d, level-triggered=%d, clock=%d"
        .formatted(line.get(JAVA_INT, 0), trigger.get(JAVA_INT, 0), time.get(JAVA_LONG, 0));
  }
}
