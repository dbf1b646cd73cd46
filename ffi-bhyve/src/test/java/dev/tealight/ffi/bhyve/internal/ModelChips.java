// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import dev.tealight.ffi.posix.FreeBsdErrno;
import java.lang.foreign.MemorySegment;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Interrupt controllers, timer and clock in the model's kernel, by the source of 15.1, of which the
 * classes of the chips say where it is not as in chips.
 */
final class ModelChips {
  private static final int TIMER_LINE = 0;
  private static final int STATUS_A = 10;
  private static final int STATUS_D = 13;
  private static final int CENTURY = 0x32;

  private final ModelVm vm;
  private ModelPic pic;
  private ModelTimer timer = new ModelTimer();
  private int clockIndex = STATUS_D;
  private long clockSeconds;
  private long clockSetNanos = System.nanoTime();
  private @Nullable Thread ticking;
  private boolean stopped;

  ModelChips(ModelVm vm) {
    this.vm = vm;
    pic = new ModelPic(vm::interrupt);
  }

  /** As after the kernel made or reset the VM; the clock runs on. With the VM's lock. */
  void reset() {
    pic = new ModelPic(vm::interrupt);
    timer = new ModelTimer();
  }

  /** {@return what the guest reads} */
  int read(int port) {
    synchronized (vm.lock) {
      return switch (port) {
        case 0x40, 0x41, 0x42, 0x61 -> timer.read(port, System.nanoTime());
        case 0x70 -> 0xff;
        case 0x71 -> clock();
        case 0x408 -> 0;
        default -> pic.read(port);
      };
    }
  }

  /** {@return whether the device knows the value} */
  boolean write(int port, int value) {
    synchronized (vm.lock) {
      switch (port) {
        case 0x40, 0x41, 0x42, 0x43, 0x61 -> {
          boolean known = timer.write(port, value, System.nanoTime());
          tick();
          return known;
        }
        case 0x70 -> clockIndex = value & 0x7f;
        case 0x71, 0x408 -> {} // the model's clock cannot be set by guests
        default -> {
          return pic.write(port, value);
        }
      }
      return true;
    }
  }

  /** {@return the vector that a processor takes now} With the VM's lock. */
  int vector() {
    return pic.vector();
  }

  /** A processor takes it. With the VM's lock. */
  void accepted(int vector) {
    pic.accepted(vector);
  }

  /** {@return 0 or a negated errno} */
  long request(VmmFacts facts, String request, MemorySegment argument) {
    synchronized (vm.lock) {
      return switch (request) {
        case "VM_ISA_ASSERT_IRQ", "VM_ISA_DEASSERT_IRQ" -> {
          int line = facts.getInt(argument, "vm_isa_irq.atpic_irq");
          yield valid(pic.set(line, request.equals("VM_ISA_ASSERT_IRQ")));
        }
        case "VM_ISA_PULSE_IRQ" -> {
          int line = facts.getInt(argument, "vm_isa_irq.atpic_irq");
          yield valid(pic.set(line, true) && pic.set(line, false));
        }
        case "VM_ISA_SET_IRQ_TRIGGER" -> {
          int level = facts.getInt(argument, "vm_isa_irq_trigger.trigger");
          int line = facts.getInt(argument, "vm_isa_irq_trigger.atpic_irq");
          yield valid(pic.levelTrigger(line, level == facts.number("LEVEL_TRIGGER")));
        }
        case "VM_RTC_SETTIME" -> {
          clockSeconds = facts.getLong(argument, "vm_rtc_time.secs");
          clockSetNanos = System.nanoTime();
          yield 0;
        }
        case "VM_RTC_GETTIME" -> {
          facts.putLong(argument, "vm_rtc_time.secs", seconds());
          yield 0;
        }
        default -> throw new AssertionError(request);
      };
    }
  }

  private static long valid(boolean valid) {
    return valid ? 0 : -FreeBsdErrno.EINVAL;
  }

  private long seconds() {
    return clockSeconds + TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - clockSetNanos);
  }

  private int clock() {
    LocalDateTime now = LocalDateTime.ofEpochSecond(seconds(), 0, ZoneOffset.UTC);
    return switch (clockIndex) {
      case 0 -> decimal(now.getSecond());
      case 2 -> decimal(now.getMinute());
      case 4 -> decimal(now.getHour());
      case 6 -> now.getDayOfWeek().getValue() % 7 + 1;
      case 7 -> decimal(now.getDayOfMonth());
      case 8 -> decimal(now.getMonthValue());
      case 9 -> decimal(now.getYear() % 100);
      case STATUS_A -> 0x20;
      case 11 -> 2; // 24 hours
      case STATUS_D -> 0x80;
      case CENTURY -> decimal(now.getYear() / 100);
      default -> 0;
    };
  }

  private static int decimal(int value) {
    return ((value / 10) << 4) | (value % 10);
  }

  // Timer interrupts.

  private void tick() {
    if (ticking == null && timer.next() != ModelTimer.NEVER) {
      ticking = Thread.ofPlatform().daemon().name("timer of " + vm.name).start(this::fire);
    }
    vm.lock.notifyAll();
  }

  private void fire() {
    synchronized (vm.lock) {
      while (!stopped) {
        long next = timer.next();
        long now = System.nanoTime();
        if (next == ModelTimer.NEVER) {
          vm.await(0);
        } else if (next > now) {
          vm.await(TimeUnit.NANOSECONDS.toMillis(next - now) + 1);
        } else {
          timer.fired(now);
          pic.pulse(TIMER_LINE);
        }
      }
    }
  }

  /** The VM is gone. With its lock. */
  void stop() {
    stopped = true;
    vm.lock.notifyAll();
  }
}
