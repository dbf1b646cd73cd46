// SPDX-License-Identifier: ISC
package dev.tealight.device.virtio.internal;

import dev.tealight.Entropy;
import dev.tealight.ExitFrame;
import dev.tealight.ExitKind;
import dev.tealight.GuestMemory;
import dev.tealight.ReadinessSource;
import dev.tealight.RunResult;
import dev.tealight.TimeSource;
import dev.tealight.device.DeviceContext;
import dev.tealight.device.DeviceHypercall;
import dev.tealight.device.GuestCall;
import dev.tealight.device.GuestCallHandler;
import dev.tealight.device.GuestCallRegistry;
import dev.tealight.device.InterruptLine;
import dev.tealight.device.Outcome;
import dev.tealight.device.PciBus;
import dev.tealight.device.PciFunction;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The guest's side of a virtio device: its memory, its driver, its interrupt line. */
final class Driver implements DeviceContext, GuestCall, PciBus {
  static final int MEMORY = 1 << 20;
  static final long QUEUE = 0x10000;
  static final int SIZE = 256;

  private static final long AVAILABLE = QUEUE + 16 * SIZE;
  private static final long USED = QUEUE + 0x2000;
  private static final int PORTS = 0xc040;

  final GuestMemory memory = GuestMemory.over(Arena.ofAuto().allocate(MEMORY));
  final List<String> hostFailures = new ArrayList<>();
  final List<ReadinessSource> sources = new ArrayList<>();
  boolean interrupted;
  int waits;

  private final ExitFrame exit = new ExitFrame();
  private @Nullable PciFunction function;

  @Override
  public InterruptLine attach(String owner, PciFunction attached) {
    function = attached;
    return asserted -> interrupted = asserted;
  }

  /** Writes to a register. */
  void write(int offset, int width, int value) {
    exit.access(ExitKind.IO_WRITE, PORTS + offset, width, value & -1L >>> (64 - 8 * width));
    serve();
  }

  /** Reads a register. */
  long read(int offset, int width) {
    exit.access(ExitKind.IO_READ, PORTS + offset, width, -1L >>> (64 - 8 * width));
    serve();
    return exit.value() & -1L >>> (64 - 8 * width);
  }

  private void serve() {
    PciFunction served = function();
    Outcome outcome = served.handle(this);
    while (outcome == Outcome.WAIT) {
      waits++;
      outcome = served.resume(this);
    }
  }

  private PciFunction function() {
    return Objects.requireNonNull(function, "no function is attached");
  }

  /** Looks at what came from outside. */
  void poll(boolean halted) {
    function().poll(halted);
  }

  /** Sets the device up as Solo5's drivers do, with its queues one behind the other. */
  Driver start(int queues) {
    write(18, 1, 0);
    write(18, 1, 3);
    for (int i = 0; i < queues; i++) {
      write(14, 2, i);
      write(8, 4, (int) ((QUEUE + 0x4000L * i) / 4096));
    }
    write(18, 1, 4);
    return this;
  }

  void describe(int queue, int index, long gpa, long byteSize, int flags) {
    long at = QUEUE + 0x4000L * queue + 16L * index;
    memory.writeLong(at, gpa);
    memory.writeInt(at + 8, (int) byteSize);
    memory.writeShort(at + 12, (short) flags);
    memory.writeShort(at + 14, (short) (index + 1));
  }

  void offer(int queue, int head) {
    long ring = AVAILABLE + 0x4000L * queue;
    int index = memory.readShort(ring + 2) & 0xffff;
    memory.writeShort(ring + 4 + 2L * (index % SIZE), (short) head);
    memory.writeShort(ring + 2, (short) (index + 1));
  }

  void suppressInterrupts(int queue) {
    memory.writeShort(AVAILABLE + 0x4000L * queue, (short) 1);
  }

  int usedIndex(int queue) {
    return memory.readShort(USED + 0x4000L * queue + 2) & 0xffff;
  }

  /** Returns the length of the last chain that came back. */
  int lastUsedLength(int queue) {
    int index = (usedIndex(queue) - 1) & (SIZE - 1);
    return memory.readInt(USED + 0x4000L * queue + 8 + 8L * index);
  }

  @Override
  public String name() {
    return "device1";
  }

  @Override
  public int handle() {
    return 1;
  }

  @Override
  public GuestMemory memory() {
    return memory;
  }

  @Override
  public TimeSource time() {
    return TimeSource.system();
  }

  @Override
  public Entropy entropy() {
    return Entropy.system();
  }

  @Override
  public void hypercall(DeviceHypercall call, GuestCallHandler handler) {
    throw new UnsupportedOperationException();
  }

  @Override
  public GuestCallRegistry registry() {
    throw new UnsupportedOperationException();
  }

  @Override
  public void describe(byte[] properties) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void pollable(ReadinessSource source) {
    sources.add(source);
  }

  @Override
  public void hostFailure(String what, Exception cause) {
    hostFailures.add(what);
  }

  @Override
  public ExitFrame exit() {
    return exit;
  }

  @Override
  public long argument() {
    return 0;
  }

  @Override
  public Outcome waitFor(long deadlineNanos, List<ReadinessSource> waitedFor) {
    return Outcome.WAIT;
  }

  @Override
  public Outcome end(RunResult result) {
    throw new AssertionError("a device ended the run: " + result);
  }

  @Override
  public Outcome fault(String reason) {
    throw new AssertionError("a device ended the run: " + reason);
  }
}
