// SPDX-License-Identifier: ISC

package dev.tealight.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tealight.ExitFrame;
import dev.tealight.HostCallException;
import dev.tealight.Hypervisor;
import dev.tealight.Monitor;
import dev.tealight.RunResult;
import dev.tealight.Vcpu;
import dev.tealight.Vm;
import dev.tealight.VmExit;
import dev.tealight.VmOptions;
import dev.tealight.device.Device;
import dev.tealight.device.DeviceContext;
import dev.tealight.device.DeviceHypercall;
import dev.tealight.device.GuestCall;
import dev.tealight.device.GuestCallHandler;
import dev.tealight.device.Outcome;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** The examples of docs/testing-with-the-mock.md. */
class TestingWithTheMockTest {

  // snippet: double-hypercall
  /** Doubles the 32-bit number at the address that the guest passes. */
  static Outcome doubleNumber(GuestCall call) {
    int number = call.memory().readInt(call.argument());
    call.memory().writeInt(call.argument(), 2 * number);
    return Outcome.CONTINUE;
  }

  // end

  // snippet: hypercall-test
  @Test
  void numberIsDoubledInPlace() throws InterruptedException {
    GuestScript guest =
        GuestScript.sequence(
            vcpu -> {
              vcpu.memory().writeInt(0x1000, 21);
              return ScriptedBoot.hypercall(42, 0x1000);
            },
            vcpu -> {
              assertEquals(42, vcpu.memory().readInt(0x1000));
              return ScriptedBoot.end(0);
            });
    try (MockHypervisor mock = new MockHypervisor(guest);
        Monitor monitor =
            Monitor.builder()
                .image("test", new byte[0])
                .bootProtocol(new ScriptedBoot())
                .hypervisor(mock)
                .hypercall(42, "DOUBLE", TestingWithTheMockTest::doubleNumber)
                .build()) {
      assertEquals(new RunResult.Halted(0), monitor.run());
    }
  }

  // end

  // snippet: lamp
  /** A lamp that the guest switches, and that tells whether it is on. */
  static final class Lamp implements Device {
    static final DeviceHypercall SWITCH = new DeviceHypercall(43, "SWITCH", 16, 12);

    private boolean on;

    @Override
    public String type() {
      return "LAMP";
    }

    @Override
    public void activate(DeviceContext context) {
      context.hypercall(
          SWITCH,
          call -> {
            on = call.memory().readInt(call.argument() + 8) != 0;
            call.memory().writeInt(call.argument() + SWITCH.resultOffset(), 0);
            return Outcome.CONTINUE;
          });
    }

    @Override
    public void close() {
      on = false;
    }
  }

  // end

  // snippet: device-test
  @Test
  void guestSwitchesTheLampOn() {
    Lamp lamp = new Lamp();
    try (DeviceHarness harness = DeviceHarness.of(lamp)) {
      harness.memory().writeLong(0x1000, DeviceHarness.HANDLE);
      harness.memory().writeInt(0x1008, 1);
      harness.memory().writeInt(0x100c, -1);
      harness.hypercall(Lamp.SWITCH.nr(), 0x1000);
      assertEquals(0, harness.memory().readInt(0x100c));
      assertTrue(lamp.on);
    }
  }

  @Test
  void argumentBehindTheEndOfMemoryIsTheGuestsFault() {
    try (DeviceHarness harness = DeviceHarness.of("LAMP", name -> new Lamp())) {
      harness.hypercall(Lamp.SWITCH.nr(), DeviceHarness.MEMORY_BYTE_SIZE);
      assertInstanceOf(RunResult.Faulted.class, harness.result().orElseThrow());
    }
  }

  // end

  // snippet: custom-monitor
  /** A monitor of its own: collects what the guest writes to port 0xe9 until it halts. */
  static String collect(Hypervisor hypervisor) {
    StringBuilder text = new StringBuilder();
    try (Vm vm = hypervisor.createVm(VmOptions.ofMemory(1 << 20));
        Vcpu vcpu = vm.createVcpu()) {
      ExitFrame exit = new ExitFrame();
      while (true) {
        switch (vcpu.run(exit)) {
          case IO_WRITE -> text.append((char) exit.value());
          case INTERRUPTED -> {}
          case HALT -> {
            return text.toString();
          }
          default -> throw new IllegalStateException(exit.toString());
        }
      }
    }
  }

  @Test
  void charactersAreCollectedUntilTheGuestHalts() {
    GuestScript guest =
        GuestScript.exits(
            new VmExit.IoWrite(0xe9, 1, 'h'),
            new VmExit.Interrupted(),
            new VmExit.IoWrite(0xe9, 1, 'i'),
            new VmExit.Halt());
    try (MockHypervisor mock = new MockHypervisor(guest)) {
      assertEquals("hi", collect(mock));
      assertEquals(List.of(), mock.openResources());
    }
  }

  // end

  // snippet: host-failure
  @Test
  void failureOfTheHostLeavesNothingOpen() {
    try (MockHypervisor mock = new MockHypervisor(GuestScript.spin())) {
      mock.fail(MockOperation.RUN, () -> new HostCallException("ioctl(KVM_RUN)", 12, "ENOMEM", ""));
      assertThrows(HostCallException.class, () -> collect(mock));
      assertEquals(List.of(), mock.openResources());
    }
  }

  // end

  // snippet: virtual-time
  @Test
  void anHourOfWaitingTakesNoTime() throws InterruptedException {
    VirtualTime time = new VirtualTime();
    GuestScript guest = GuestScript.exits(ScriptedBoot.hypercall(44, 0), ScriptedBoot.end(0));
    try (MockHypervisor mock = new MockHypervisor(guest);
        Monitor monitor =
            Monitor.builder()
                .image("test", new byte[0])
                .bootProtocol(new ScriptedBoot())
                .hypervisor(mock)
                .timeSource(time)
                .hypercall(44, "WAIT_AN_HOUR", new WaitAnHour())
                .build()) {
      assertEquals(
          Optional.of(new RunResult.Halted(0)), monitor.start().await(Duration.ofMinutes(1)));
      assertEquals(Duration.ofHours(1).toNanos(), time.monotonicNanos());
    }
  }

  // end

  private static final class WaitAnHour implements GuestCallHandler {
    private long deadlineNanos;

    @Override
    public Outcome handle(GuestCall call) {
      deadlineNanos = call.time().deadlineAfter(Duration.ofHours(1).toNanos());
      return resume(call);
    }

    @Override
    public Outcome resume(GuestCall call) {
      return call.time().monotonicNanos() < deadlineNanos
          ? call.waitFor(deadlineNanos, List.of())
          : Outcome.CONTINUE;
    }
  }
}
