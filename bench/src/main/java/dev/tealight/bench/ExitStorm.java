// SPDX-License-Identifier: ISC
package dev.tealight.bench;

import dev.tealight.ExitFrame;
import dev.tealight.ExitKind;
import dev.tealight.Hypervisor;
import dev.tealight.Image;
import dev.tealight.Monitor;
import dev.tealight.RunResult;
import dev.tealight.X86CpuState;
import dev.tealight.X86Register;
import dev.tealight.X86Segment;
import dev.tealight.device.GuestCall;
import dev.tealight.device.Outcome;
import dev.tealight.spi.BootContext;
import dev.tealight.spi.BootImage;
import dev.tealight.spi.BootProtocol;
import dev.tealight.spi.GuestArchitecture;
import dev.tealight.spi.HypercallConvention;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.function.LongSupplier;

/**
 * A flat 16-bit guest that makes the cheapest hypercall (number 1: write the wall clock to an
 * address) again and again, then ends (number 8). The program {@code exit-loop.c} runs the same
 * guest and does the same for it.
 */
final class ExitStorm implements BootProtocol {
  private static final int CODE_GPA = 0x1000;
  private static final int TIME_GPA = 0x2000;
  private static final int MEMORY_BYTE_SIZE = 2 << 20;
  private static final int WALLTIME = 1;
  private static final int HALT = 8;

  private final long calls;
  private final byte[] code;
  private final LongSupplier meter;
  private long served;
  private long atFirst;
  private long atEnd;

  /**
   * Creates a guest to be run once.
   *
   * @param calls how many hypercalls it makes
   * @param meter read at the first hypercall and at the end, on the vCPU thread
   */
  ExitStorm(int calls, LongSupplier meter) {
    this.calls = calls;
    this.code = code(calls);
    this.meter = meter;
  }

  /** {@return the guest's instructions} */
  static byte[] code(int calls) {
    return ByteBuffer.allocate(26)
        .order(ByteOrder.LITTLE_ENDIAN)
        .put(bytes(0xba, 0x01, 0x05)) //       mov dx, 0x501
        .put(bytes(0x66, 0xb8)) //             mov eax, TIME_GPA
        .putInt(TIME_GPA)
        .put(bytes(0x66, 0xb9)) //             mov ecx, calls
        .putInt(calls)
        .put(bytes(0x66, 0xef)) //       next: out dx, eax
        .put(bytes(0x66, 0x49)) //             dec ecx
        .put(bytes(0x75, 0xfa)) //             jnz next
        .put(bytes(0xba, 0x08, 0x05)) //       mov dx, 0x508
        .put(bytes(0x66, 0xef)) //             out dx, eax
        .array();
  }

  private static byte[] bytes(int... values) {
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < values.length; i++) {
      bytes[i] = (byte) values[i];
    }
    return bytes;
  }

  /** {@return what the meter gained from the first hypercall to the end} */
  long run(Hypervisor hypervisor) throws InterruptedException {
    try (Monitor monitor =
        Monitor.builder()
            .image("exit storm", code)
            .bootProtocol(this)
            .memoryByteSize(MEMORY_BYTE_SIZE)
            .hypervisor(hypervisor)
            .build()) {
      RunResult result = monitor.run();
      if (!(result instanceof RunResult.Halted) || served != calls) {
        throw new IllegalStateException("%s after %d calls".formatted(result, served));
      }
      return atEnd - atFirst;
    }
  }

  private Outcome wallTime(GuestCall call) {
    call.memory().writeLong(call.argument(), call.time().wallClockNanos());
    if (served++ == 0) {
      atFirst = meter.getAsLong();
    }
    return Outcome.CONTINUE;
  }

  private Outcome halt(GuestCall call) {
    atEnd = meter.getAsLong();
    return call.end(new RunResult.Halted(0, 0));
  }

  @Override
  public String name() {
    return "flat";
  }

  @Override
  public BootImage open(Image image) {
    return new Flat();
  }

  private final class Flat implements BootImage {

    @Override
    public GuestArchitecture architecture() {
      return GuestArchitecture.X86_64;
    }

    @Override
    public List<DeclaredDevice> devices() {
      return List.of();
    }

    @Override
    public long memoryByteSize(long requestedByteSize) {
      return requestedByteSize;
    }

    @Override
    public HypercallConvention hypercalls() {
      return PortWrites.INSTANCE;
    }

    @Override
    public void boot(BootContext context) {
      context.vm().memory().copyIn(CODE_GPA, code, 0, code.length);
      X86CpuState state = (X86CpuState) context.vcpu().readState();
      X86Segment reset = state.segment(X86Segment.Name.CS);
      context
          .vcpu()
          .writeState(
              state
                  .set(X86Segment.Name.CS, new X86Segment(0, 0, reset.limit(), reset.attributes()))
                  .set(X86Register.RIP, CODE_GPA));
      context.registry().hypercall(WALLTIME, "WALLTIME", ExitStorm.this::wallTime);
      context.registry().hypercall(HALT, "HALT", ExitStorm.this::halt);
    }
  }

  private enum PortWrites implements HypercallConvention {
    INSTANCE;

    private static final int FIRST_PORT = 0x500;

    @Override
    public int number(ExitFrame exit) {
      long nr = exit.address() - FIRST_PORT;
      boolean hypercall =
          exit.kind() == ExitKind.IO_WRITE && exit.width() == Integer.BYTES && nr >= 0 && nr < 256;
      return hypercall ? (int) nr : -1;
    }

    @Override
    public long argument(ExitFrame exit) {
      return exit.value();
    }
  }
}
