// SPDX-License-Identifier: ISC
package dev.tealight.device.block.internal;

import dev.tealight.Entropy;
import dev.tealight.ExitFrame;
import dev.tealight.GuestMemory;
import dev.tealight.ReadinessSource;
import dev.tealight.RunResult;
import dev.tealight.TimeSource;
import dev.tealight.device.Device;
import dev.tealight.device.DeviceContext;
import dev.tealight.device.DeviceHypercall;
import dev.tealight.device.FrameTransfer;
import dev.tealight.device.GuestCall;
import dev.tealight.device.GuestCallHandler;
import dev.tealight.device.GuestCallRegistry;
import dev.tealight.device.Outcome;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The least of a monitor that a block device needs: makes its calls as a guest would. */
final class Harness implements DeviceContext, GuestCall {
  static final int WRITE = 4;
  static final int READ = 5;

  /** Where the argument block is; the bytes behind it are free for buffers. */
  static final long BLOCK = 0x1000;

  final List<String> failures = new ArrayList<>();
  byte @Nullable [] properties;
  int waits;

  private final GuestMemory memory;
  private final Map<Integer, GuestCallHandler> handlers = new HashMap<>();

  Harness(GuestMemory memory, Device device) {
    this.memory = memory;
    device.activate(this);
  }

  /** Makes a request to the end and returns the result code. */
  int request(int nr, long offset, long gpa, long byteSize) {
    memory.writeLong(BLOCK + 8, offset);
    memory.writeLong(BLOCK + 16, gpa);
    memory.writeLong(BLOCK + 24, byteSize);
    memory.writeInt(BLOCK + 32, -1);
    GuestCallHandler handler = Objects.requireNonNull(handlers.get(nr));
    Outcome outcome = handler.handle(this);
    while (outcome == Outcome.WAIT) {
      waits++;
      outcome = handler.resume(this);
    }
    return memory.readInt(BLOCK + 32);
  }

  @Override
  public String name() {
    return "storage";
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
  public Entropy entropy() {
    return Entropy.system();
  }

  @Override
  public TimeSource time() {
    return TimeSource.system();
  }

  @Override
  public void hypercall(DeviceHypercall call, GuestCallHandler handler) {
    handlers.put(call.nr(), handler);
  }

  @Override
  public GuestCallRegistry registry() {
    throw new UnsupportedOperationException();
  }

  @Override
  public void describe(byte[] bytes) {
    properties = bytes.clone();
  }

  @Override
  public void frames(FrameTransfer frames) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void pollable(ReadinessSource source) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void hostFailure(String what, Exception cause) {
    failures.add(what + ": " + cause.getMessage());
  }

  @Override
  public ExitFrame exit() {
    throw new UnsupportedOperationException();
  }

  @Override
  public long argument() {
    return BLOCK;
  }

  @Override
  public Outcome waitFor(long deadlineNanos, List<ReadinessSource> sources) {
    return Outcome.WAIT;
  }

  @Override
  public Outcome end(RunResult result) {
    throw new UnsupportedOperationException();
  }

  @Override
  public Outcome fault(String reason) {
    throw new UnsupportedOperationException();
  }
}
