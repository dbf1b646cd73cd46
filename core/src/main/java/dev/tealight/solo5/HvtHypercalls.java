// SPDX-License-Identifier: ISC
package dev.tealight.solo5;

import dev.tealight.GuestMemory;
import dev.tealight.ReadinessSource;
import dev.tealight.RunResult;
import dev.tealight.device.GuestCall;
import dev.tealight.device.GuestCallHandler;
import dev.tealight.device.GuestCallRegistry;
import dev.tealight.device.Outcome;
import dev.tealight.solo5.HvtAbi.Hypercall;
import dev.tealight.spi.BootContext;
import dev.tealight.spi.BootContext.AttachedDevice;
import dev.tealight.spi.ConsoleOutput;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The hypercalls that every hvt guest has; those of devices come with the devices. */
final class HvtHypercalls {

  /** What a cookie must be able to hold, whatever the guest keeps there. */
  static final int COOKIE_BYTE_SIZE = 512;

  private HvtHypercalls() {}

  static void register(BootContext context) {
    GuestCallRegistry registry = context.registry();
    add(registry, Hypercall.WALLTIME, HvtHypercalls::wallTime);
    add(registry, Hypercall.PUTS, new Puts(context.console()));
    add(registry, Hypercall.POLL, new Poll(context.devices()));
    add(registry, Hypercall.HALT, HvtHypercalls::halt);
  }

  private static void add(GuestCallRegistry registry, Hypercall call, GuestCallHandler handler) {
    registry.hypercall(call.nr(), call.name(), handler);
  }

  /** Block: 0 nanoseconds since 1970 (out, 8 bytes). */
  private static Outcome wallTime(GuestCall call) {
    call.memory().writeLong(call.argument(), call.time().wallClockNanos());
    return Outcome.CONTINUE;
  }

  /** Block: 0 cookie (in, 8), 8 status (in, 4). */
  private static Outcome halt(GuestCall call) {
    GuestMemory memory = call.memory();
    memory.checkRead(call.argument(), Hypercall.HALT.blockByteSize());
    long cookie = memory.readLong(call.argument());
    int status = memory.readInt(call.argument() + 8);
    if (cookie != 0) {
      memory.checkRead(cookie, COOKIE_BYTE_SIZE);
    }
    return call.end(new RunResult.Halted(status, cookie));
  }

  /** Block: 0 address of the text (in, 8), 8 its length (in, 8). */
  private record Puts(ConsoleOutput console) implements GuestCallHandler {

    @Override
    public Outcome handle(GuestCall call) {
      long block = call.argument();
      return console.write(call, call.memory().readLong(block), call.memory().readLong(block + 8));
    }

    @Override
    public Outcome resume(GuestCall call) {
      return console.resume(call);
    }
  }

  /**
   * Block: 0 timeout in nanoseconds (in, 8), 8 set of ready handles (out, 8), 16 how many they are
   * (out, 4).
   */
  private static final class Poll implements GuestCallHandler {
    private static final int READY_SET = 8;
    private static final int READY_COUNT = 16;

    private final long[] handleBits;
    private final List<ReadinessSource> sources;
    private long deadlineNanos;

    Poll(List<AttachedDevice> devices) {
      List<ReadinessSource> all = new ArrayList<>();
      for (AttachedDevice device : devices) {
        all.addAll(device.readiness());
      }
      sources = List.copyOf(all);
      handleBits = new long[all.size()];
      int next = 0;
      for (AttachedDevice device : devices) {
        int end = next + device.readiness().size();
        Arrays.fill(handleBits, next, end, 1L << device.declared().handle());
        next = end;
      }
    }

    @Override
    public Outcome handle(GuestCall call) {
      GuestMemory memory = call.memory();
      // The results must fit before anything is waited for.
      memory.checkWrite(call.argument() + READY_SET, Hypercall.POLL.blockByteSize() - READY_SET);
      deadlineNanos = call.time().deadlineAfter(memory.readLong(call.argument()));
      return resume(call);
    }

    @Override
    public Outcome resume(GuestCall call) {
      long readySet = readySet();
      if (readySet == 0 && call.time().monotonicNanos() < deadlineNanos) {
        return call.waitFor(deadlineNanos, sources);
      }
      call.memory().writeLong(call.argument() + READY_SET, readySet);
      call.memory().writeInt(call.argument() + READY_COUNT, Long.bitCount(readySet));
      return Outcome.CONTINUE;
    }

    private long readySet() {
      long ready = 0;
      for (int i = 0; i < handleBits.length; i++) {
        if (sources.get(i).isReady()) {
          ready |= handleBits[i];
        }
      }
      return ready;
    }
  }
}
