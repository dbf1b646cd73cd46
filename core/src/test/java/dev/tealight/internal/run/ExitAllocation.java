// SPDX-License-Identifier: ISC
package dev.tealight.internal.run;

import dev.tealight.ExitFrame;
import dev.tealight.ExitKind;
import dev.tealight.Image;
import dev.tealight.TimeSource;
import dev.tealight.device.DeviceHypercall;
import dev.tealight.device.Outcome;
import dev.tealight.fake.FakeBoot;
import dev.tealight.fake.FakeVcpu;
import dev.tealight.internal.run.RunLoop.Step;
import dev.tealight.solo5.ImageBuilder;
import dev.tealight.solo5.Solo5Hvt;
import dev.tealight.spi.BootContext.AttachedDevice;
import dev.tealight.spi.BootImage.DeclaredDevice;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** Measures what the run loop and the handlers allocate for each kind of exit. */
final class ExitAllocation {
  private static final long BLOCK = 0x200000;
  private static final MethodHandle ALLOCATED_BYTES = allocatedBytes();

  /** A kind of exit. */
  enum Exit implements FakeVcpu.Guest {
    WALLTIME(1),
    PUTS(2),
    POLL(3),
    DEVICE_CALL(4),
    UNKNOWN_HANDLE(5),
    PORT_READ(-1),
    MMIO_WRITE(-1);

    private final int nr;

    Exit(int nr) {
      this.nr = nr;
    }

    @Override
    public ExitKind run(ExitFrame exit) {
      return switch (this) {
        case PORT_READ -> exit.access(ExitKind.IO_READ, 0x3fd, 1, 0xff);
        case MMIO_WRITE -> exit.access(ExitKind.MMIO_WRITE, 0xfee00080L, 4, 1);
        default -> exit.access(ExitKind.IO_WRITE, 0x500 + nr, 4, BLOCK);
      };
    }
  }

  private ExitAllocation() {}

  /**
   * Prints the bytes for each kind of exit, for a JVM with other options.
   *
   * @param arguments how many exits
   */
  public static void main(String[] arguments) {
    for (Exit exit : Exit.values()) {
      System.out.println(exit + " " + measure(exit, Integer.parseInt(arguments[0])));
    }
  }

  /** Returns the bytes that the vCPU thread allocates for a number of exits in a row. */
  static long measure(Exit exit, int exits) {
    byte[] image = ImageBuilder.hello().devices(new ImageBuilder.Device("net", 2)).build();
    try (FakeBoot boot = new FakeBoot(4 << 20)) {
      boot.sink = (bytes, offset, length) -> {};
      DeclaredDevice device = new DeclaredDevice("net", "NET_BASIC", 1);
      boot.devices.add(
          new AttachedDevice(
              device, MemorySegment.ofArray(new byte[16]), List.of(() -> false), Optional.empty()));
      boot.boot(image);
      registerDevice(boot.registry(), device);
      // As timeout: none. As text: 16 bytes at address 0. As handle: 0, no device's, or 1.
      boot.vm().memory().writeLong(BLOCK, exit == Exit.DEVICE_CALL ? 1 : 0);
      boot.vm().memory().writeLong(BLOCK + 8, 16);
      RunLoop loop =
          new RunLoop(
              boot.vcpu(),
              boot.vm().memory(),
              boot.registry(),
              Solo5Hvt.open(Image.of("test", image)).hypercalls(),
              boot.time,
              TimeSource.system(),
              Duration.ZERO);
      run(boot.vcpu(), loop, exit, 10_000);
      // While the JVM still compiles, it also allocates on its own account, though not per exit.
      long allocated = Long.MAX_VALUE;
      for (int round = 0; round < 5 && allocated != 0; round++) {
        allocated = Math.min(allocated, run(boot.vcpu(), loop, exit, exits));
      }
      return allocated;
    }
  }

  private static void registerDevice(HandlerTable handlers, DeclaredDevice device) {
    DeviceCalls calls = new DeviceCalls(handlers);
    calls.register(new DeviceHypercall(4, "TEST", 40, 32), device, call -> Outcome.CONTINUE);
    calls.register(new DeviceHypercall(5, "OTHER", 40, 32), device, call -> Outcome.CONTINUE);
    handlers.ports(
        0x3f8,
        8,
        "serial port",
        call -> {
          call.exit().complete(0x20);
          return Outcome.CONTINUE;
        });
    handlers.mmio(0xfee00000L, 0x1000, "registers", call -> Outcome.CONTINUE);
  }

  private static long run(FakeVcpu vcpu, RunLoop loop, Exit exit, int exits) {
    int[] left = {exits};
    vcpu.guest = frame -> left[0]-- > 0 ? exit.run(frame) : frame.event(ExitKind.INTERRUPTED, 0, 0);
    try {
      long before = (long) ALLOCATED_BYTES.invokeExact();
      Step step = loop.step();
      long allocated = (long) ALLOCATED_BYTES.invokeExact() - before;
      if (step != Step.READY) {
        throw new AssertionError("the guest did not run on: " + loop.result());
      }
      return allocated;
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  /** Asked by reflection, since core does not read the management module. */
  private static MethodHandle allocatedBytes() {
    try {
      Object threads =
          Class.forName("java.lang.management.ManagementFactory")
              .getMethod("getThreadMXBean")
              .invoke(null);
      return MethodHandles.publicLookup()
          .findVirtual(
              Class.forName("com.sun.management.ThreadMXBean"),
              "getCurrentThreadAllocatedBytes",
              MethodType.methodType(long.class))
          .bindTo(threads);
    } catch (ReflectiveOperationException e) {
      throw new LinkageError("the management module is missing", e);
    }
  }
}
