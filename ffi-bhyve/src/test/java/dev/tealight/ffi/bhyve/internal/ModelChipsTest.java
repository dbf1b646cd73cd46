// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static dev.tealight.ffi.posix.FreeBsdErrno.EINVAL;
import static dev.tealight.ffi.posix.FreeBsdErrno.EIO;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.util.HexFormat;

/** Interrupt controllers, timer and clock in the kernel. */
class ModelChipsTest extends KernelRows {
  /** Initializes both controllers, for vectors from 0x20 and 0x28, and opens all lines. */
  private static final String INITIALIZE =
      out(0x20, 0x11)
          + out(0xa0, 0x11)
          + out(0x21, 0x20)
          + out(0xa1, 0x28)
          + out(0x21, 4)
          + out(0xa1, 2)
          + out(0x21, 1)
          + out(0xa1, 1)
          + out(0x21, 0)
          + out(0xa1, 0);

  /** 1: in $0x61, %al; test $0x20, %al; jz 1b. */
  private static final String UNTIL_CHANNEL_2 = "e461" + "a820" + "74fa";

  /** Behind it an interrupt comes: sti; nop. */
  private static final String STI = "fb90";

  private static final String EXIT = "e712"; // out %eax, $0x12

  /** A handler that tells by a port that it was called, and ends the interrupt. */
  private static final String HANDLER = "e613" + out(0xa0, 0x20) + out(0x20, 0x20) + "48cf";

  /** mov $value, %al; out %al, $port; by DX where the port has two bytes. */
  private static String out(int port, int value) {
    String load = "b0" + HexFormat.of().toHexDigits((byte) value);
    return port < 0x100
        ? load + "e6" + HexFormat.of().toHexDigits((byte) port)
        : load + dx(port) + "ee";
  }

  /** xor %eax, %eax; in $port, %al; out %eax, $0x12. */
  private static String in(int port) {
    return port < 0x100
        ? "31c0" + "e4" + HexFormat.of().toHexDigits((byte) port) + EXIT
        : "31c0" + dx(port) + "ec" + EXIT;
  }

  private static String dx(int port) {
    return "66ba%02x%02x".formatted(port & 0xff, port >>> 8);
  }

  private static long line(RawVm vm, String request, int line) {
    MemorySegment argument = vm.argument(request);
    vm.facts.putInt(argument, "vm_isa_irq.atpic_irq", line);
    vm.facts.putInt(argument, "vm_isa_irq.ioapic_irq", -1);
    return vm.ioctl(request, argument);
  }

  private static long trigger(RawVm vm, int line, String how) {
    MemorySegment argument = vm.argument("VM_ISA_SET_IRQ_TRIGGER");
    vm.facts.putInt(argument, "vm_isa_irq_trigger.atpic_irq", line);
    vm.facts.putInt(argument, "vm_isa_irq_trigger.trigger", vm.facts.number(how));
    return vm.ioctl("VM_ISA_SET_IRQ_TRIGGER", argument);
  }

  private static long raise(RawVm vm, int line) {
    return line(vm, "VM_ISA_ASSERT_IRQ", line);
  }

  private static long lower(RawVm vm, int line) {
    return line(vm, "VM_ISA_DEASSERT_IRQ", line);
  }

  /** {@return what the guest read last} */
  private static int read(RawVm vm) {
    assertThat(vm.exitCode()).isZero();
    assertThat(vm.exitInt("u.inout.port") & 0xffff).isEqualTo(0x12);
    return vm.exitInt("u.inout.eax");
  }

  /** {@return the port that the guest wrote to} */
  private static int port(RawVm vm) {
    assertThat(vm.exitCode()).isZero();
    return vm.exitInt("u.inout.port") & 0xffff;
  }

  private static RawVm started(RawVm vm, String code) {
    active(vm, code);
    for (int vector = 0x20; vector < 0x30; vector++) {
      vm.handle(vector, HANDLER);
    }
    return vm;
  }

  @Override
  void fill() {
    lines();
    delivery();
    timer();
    clock();
    row(
        "code without paging runs; on Intel the capability has to be set",
        SOURCE,
        vm -> {
          active(vm, EXIT);
          assertThat(vm.set(CR0, 0x31)).isZero(); // without paging
          assertThat(vm.set(EFER, 0)).isZero();
          vm.segment(CS, 0, -1, 0xc09b);
          if (!vm.kernel.amd) {
            assertThat(vm.exitCode()).isEqualTo(VMX);
            assertThat(vm.exitInt("u.vmx.exit_reason")).isEqualTo(0x8000_0021);
          }
          assertThat(vm.capability(true, 3, 1)).isZero();
          assertThat(vm.exitCode()).isZero();
        });
  }

  private void lines() {
    row(
        "lines that are not there, and modes that they do not have",
        SEEN_ON_15_0,
        vm -> {
          for (int line : new int[] {-1, 16, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
            assertThat(raise(vm, line)).isEqualTo(-EINVAL);
            assertThat(lower(vm, line)).isEqualTo(-EINVAL);
            assertThat(line(vm, "VM_ISA_PULSE_IRQ", line)).isEqualTo(-EINVAL);
            assertThat(trigger(vm, line, "LEVEL_TRIGGER")).isEqualTo(-EINVAL);
          }
          for (int line : new int[] {0, 1, 2, 8, 13}) {
            assertThat(trigger(vm, line, "LEVEL_TRIGGER")).isEqualTo(-EINVAL);
            assertThat(trigger(vm, line, "EDGE_TRIGGER")).isZero();
          }
          assertThat(trigger(vm, 10, "LEVEL_TRIGGER")).isZero();
        });
    row(
        "at first all lines are open and edges; a guest reads which were made levels",
        SEEN_ON_15_0,
        vm -> {
          started(vm, in(0x21) + in(0xa1) + in(0x20) + in(0x4d0) + in(0x4d1));
          assertThat(trigger(vm, 10, "LEVEL_TRIGGER")).isZero();
          for (int expected : new int[] {0, 0, 0, 0, 1 << 2}) {
            assertThat(read(vm)).isEqualTo(expected);
          }
        });
    row(
        "a guest makes levels of all lines but five",
        SEEN_ON_15_0,
        vm -> {
          started(vm, out(0x4d0, 0xff) + out(0x4d1, 0xff) + in(0x4d0) + in(0x4d1));
          assertThat(read(vm)).isEqualTo(0xf8);
          assertThat(read(vm)).isEqualTo(0xde);
        });
    row(
        "a line is not counted before the guest has initialized the controller",
        SEEN_ON_15_0,
        vm -> {
          started(vm, INITIALIZE + STI + EXIT + EXIT + EXIT);
          assertThat(trigger(vm, 10, "LEVEL_TRIGGER")).isZero();
          assertThat(raise(vm, 10)).isZero();
          assertThat(port(vm)).as("no interrupt").isEqualTo(0x12);
          // It goes below zero, and so the next one is lost, too.
          assertThat(lower(vm, 10)).isZero();
          assertThat(raise(vm, 10)).isZero();
          assertThat(port(vm)).as("no interrupt").isEqualTo(0x12);
          assertThat(raise(vm, 10)).isZero();
          assertThat(port(vm)).isEqualTo(0x13);
        });
    row(
        "controllers refuse to be alone, without the fourth word, and for other processors",
        SEEN_ON_15_0,
        vm -> {
          active(vm, out(0x20, 0x13));
          assertThat(vm.run()).isEqualTo(-EIO);
          vm.load(out(0x20, 0x10));
          assertThat(vm.run()).isEqualTo(-EIO);
          vm.load(out(0x20, 0x11) + out(0x21, 0x20) + out(0x21, 4) + out(0x21, 0));
          assertThat(vm.run()).isEqualTo(-EIO);
        });
  }

  private void delivery() {
    row(
        "a level asks until it goes down, the timer's line once for an edge",
        SEEN_ON_15_0,
        vm -> {
          started(vm, INITIALIZE + EXIT + STI + EXIT + EXIT + EXIT);
          assertThat(trigger(vm, 10, "LEVEL_TRIGGER")).isZero();
          assertThat(port(vm)).isEqualTo(0x12);
          assertThat(raise(vm, 10)).isZero();
          assertThat(port(vm)).isEqualTo(0x13);
          assertThat(port(vm)).as("still up").isEqualTo(0x13);
          assertThat(lower(vm, 10)).isZero();
          assertThat(port(vm)).isEqualTo(0x12);
          assertThat(line(vm, "VM_ISA_PULSE_IRQ", 4)).isZero();
          assertThat(port(vm)).isEqualTo(0x13);
          assertThat(port(vm)).as("once").isEqualTo(0x12);
        });
    row(
        "a closed line waits until it is opened, an interrupt until the guest takes it",
        SEEN_ON_15_0,
        vm -> {
          started(vm, INITIALIZE + out(0xa1, 4) + STI + EXIT + "fa" + out(0xa1, 0) + EXIT + STI);
          assertThat(trigger(vm, 10, "LEVEL_TRIGGER")).isZero();
          assertThat(port(vm)).isEqualTo(0x12);
          assertThat(raise(vm, 10)).isZero();
          assertThat(port(vm)).as("interrupts are off").isEqualTo(0x12);
          assertThat(port(vm)).isEqualTo(0x13);
        });
    row(
        "a request that goes away is delivered as line 7 of its controller",
        SEEN_ON_15_0,
        vm -> {
          started(vm, INITIALIZE + EXIT + STI + EXIT);
          vm.handle(0x2f, "e614" + "48cf"); // out %al, $0x14; iretq
          assertThat(trigger(vm, 10, "LEVEL_TRIGGER")).isZero();
          assertThat(port(vm)).isEqualTo(0x12);
          assertThat(raise(vm, 10)).isZero();
          assertThat(lower(vm, 10)).isZero();
          assertThat(port(vm)).isEqualTo(0x14);
          assertThat(port(vm)).isEqualTo(0x12);
        });
    row(
        "a halted guest is woken by a line, a running one is interrupted",
        SEEN_ON_15_0,
        vm -> {
          started(vm, INITIALIZE + "fbf4" + EXIT + "ebfe");
          assertThat(trigger(vm, 10, "LEVEL_TRIGGER")).isZero();
          RawVm.Running halted = vm.new Running();
          RawVm.await(() -> vm.vcpu().isAsleep());
          assertThat(raise(vm, 10)).isZero();
          assertThat(halted.code()).isZero();
          assertThat(halted.exitInt("u.inout.port") & 0xffff).isEqualTo(0x13);
          assertThat(lower(vm, 10)).isZero();
          assertThat(port(vm)).as("behind the halt").isEqualTo(0x12);
          RawVm.Running spinning = vm.new Running();
          RawVm.await(() -> vm.vcpu().running);
          assertThat(raise(vm, 10)).isZero();
          assertThat(spinning.code()).isZero();
          assertThat(spinning.exitInt("u.inout.port") & 0xffff).isEqualTo(0x13);
        });
    row(
        "a mark takes a halted guest behind its halt without an interrupt",
        SEEN,
        vm -> {
          started(vm, INITIALIZE + "fbf4" + EXIT);
          RawVm.Running halted = vm.new Running();
          RawVm.await(() -> vm.vcpu().isAsleep());
          assertThat(vm.ioctl("VM_SUSPEND_CPU", 0)).isZero();
          assertThat(halted.code()).isEqualTo(DEBUG);
          assertThat(vm.ioctl("VM_RESUME_CPU", 0)).isZero();
          assertThat(port(vm)).isEqualTo(0x12);
        });
    row(
        "a suspension ends the sleep of a halted guest",
        SEEN,
        vm -> {
          started(vm, INITIALIZE + "fbf4" + EXIT);
          RawVm.Running halted = vm.new Running();
          RawVm.await(() -> vm.vcpu().isAsleep());
          assertThat(vm.ioctl("VM_SUSPEND", 2)).isZero();
          assertThat(halted.code()).isEqualTo(SUSPENDED);
        });
    row(
        "a reset leaves the controllers as they were made",
        SEEN_ON_15_0,
        vm -> {
          started(vm, INITIALIZE + out(0xa1, 0x5a) + "faf4");
          assertThat(trigger(vm, 10, "LEVEL_TRIGGER")).isZero();
          assertThat(vm.exitCode()).isEqualTo(SUSPENDED);
          assertThat(vm.ioctl("VM_REINIT", vm.argument("VM_REINIT"))).isZero();
          active(vm, in(0xa1) + in(0x4d1));
          assertThat(read(vm)).isZero();
          assertThat(read(vm)).isZero();
        });
  }

  private void timer() {
    row(
        "one count interrupts once in modes 0, 3 and 4, and again and again in mode 2",
        SEEN_ON_15_0,
        vm -> {
          for (int mode : new int[] {0x30, 0x36, 0x38, 0x34}) {
            String count = out(0x43, mode) + out(0x40, 0x20) + out(0x40, 1);
            vm.load(INITIALIZE + count + "fbf4" + "fbf4" + EXIT);
            assertThat(vm.ioctl("VM_ACTIVATE_CPU", 0)).isIn(0L, -16L);
            assertThat(vm.capability(true, 0, 1)).isZero();
            for (int vector = 0x20; vector < 0x30; vector++) {
              vm.handle(vector, HANDLER);
            }
            assertThat(port(vm)).as("mode 0x%x", mode).isEqualTo(0x13);
            RawVm.Running second = vm.new Running();
            if (mode == 0x34) {
              assertThat(second.code()).isZero();
              assertThat(second.exitInt("u.inout.port") & 0xffff).isEqualTo(0x13);
            } else {
              RawVm.await(() -> vm.vcpu().isAsleep());
              assertThat(vm.ioctl("VM_SUSPEND_CPU", 0)).isZero();
              assertThat(second.code()).isEqualTo(DEBUG);
              assertThat(vm.ioctl("VM_RESUME_CPU", 0)).isZero();
              assertThat(port(vm)).isEqualTo(0x12);
            }
          }
        });
    row(
        "a count of 0 starts nothing",
        SEEN_ON_15_0,
        vm -> {
          vm.load(
              INITIALIZE
                  + out(0x43, 0x34)
                  + out(0x40, 0)
                  + out(0x40, 0)
                  + out(0x43, 0xb0) // channel 2 tells when the longest count is over
                  + out(0x42, 0xff)
                  + out(0x42, 0xff)
                  + "fb"
                  + UNTIL_CHANNEL_2
                  + EXIT);
          assertThat(vm.ioctl("VM_ACTIVATE_CPU", 0)).isZero();
          for (int vector = 0x20; vector < 0x30; vector++) {
            vm.handle(vector, HANDLER);
          }
          assertThat(port(vm)).isEqualTo(0x12);
        });
    row(
        "other modes, decimal counts and counts of one byte are refused",
        SEEN_ON_15_0,
        vm -> {
          active(vm, "90");
          for (int control : new int[] {0x32, 0x3a, 0x3c, 0x3e, 0x35, 0x14, 0x24}) {
            vm.load(out(0x43, control));
            assertThat(vm.run()).as("0x%x", control).isEqualTo(-EIO);
          }
        });
    row(
        "status is read back, once",
        SEEN_ON_15_0,
        vm -> {
          String status = out(0x43, 0xe8) + in(0x42); // of channel 2
          active(
              vm, out(0x43, 0xb0) + status + status + out(0x42, 0xff) + out(0x42, 0xff) + status);
          assertThat(read(vm)).as("no count yet").isEqualTo(0xc0);
          assertThat(read(vm)).isEqualTo(0x80);
          assertThat(read(vm) & 0x7f).isZero();
        });
    row(
        "channel 2 counts without a gate, and port 0x61 tells of its output in mode 0",
        SEEN_ON_15_0,
        vm -> {
          active(
              vm,
              out(0x61, 0) // the gate would be closed
                  + out(0x43, 0xb0)
                  + out(0x42, 1)
                  + out(0x42, 0)
                  + UNTIL_CHANNEL_2
                  + in(0x61));
          assertThat(read(vm)).isEqualTo(0x20);
        });
  }

  private void clock() {
    row(
        "the clock starts at 1970, is set, and is read as decimals",
        SEEN_ON_15_0,
        vm -> {
          String fields =
              out(0x70, 9) + in(0x71) + out(0x70, 0x32) + in(0x71) + out(0x70, 8) + in(0x71);
          active(vm, fields + in(0x70) + fields + out(0x70, 11) + in(0x71));
          assertThat(read(vm)).isEqualTo(0x70);
          assertThat(read(vm)).isEqualTo(0x19);
          assertThat(read(vm)).isEqualTo(0x01);
          assertThat(read(vm)).isEqualTo(0xff);
          MemorySegment time = vm.argument("VM_RTC_SETTIME");
          vm.facts.putLong(time, "vm_rtc_time.secs", 1_955_000_000L); // December 2031
          assertThat(vm.ioctl("VM_RTC_SETTIME", time)).isZero();
          assertThat(read(vm)).isEqualTo(0x31);
          assertThat(read(vm)).isEqualTo(0x20);
          assertThat(read(vm)).isEqualTo(0x12);
          assertThat(read(vm)).as("24 hours").isEqualTo(2);
          assertThat(vm.ioctl("VM_RTC_GETTIME", time)).isZero();
          assertThat(vm.facts.getLong(time, "vm_rtc_time.secs"))
              .isBetween(1_955_000_000L, 1_955_000_600L);
        });
  }
}
