// SPDX-License-Identifier: ISC
package dev.tealight.device.block.internal;

import dev.tealight.ConfigurationException;
import dev.tealight.GuestMemory;
import dev.tealight.device.BlockBacking;
import dev.tealight.device.Device;
import dev.tealight.device.DeviceContext;
import dev.tealight.device.DeviceHypercall;
import dev.tealight.device.GuestCall;
import dev.tealight.device.GuestCallHandler;
import dev.tealight.device.GuestWindows;
import dev.tealight.device.HostFailures;
import dev.tealight.device.Outcome;
import dev.tealight.device.VirtioTransport;
import dev.tealight.device.block.Fsync;
import dev.tealight.solo5.HvtAbi;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Solo5's BLOCK_BASIC.
 *
 * @see <a href="https://github.com/Solo5/solo5/blob/v0.12.1/include/hvt_abi.h">hvt_abi.h</a>
 */
public final class BlockDevice implements Device {
  static final String TYPE = "BLOCK_BASIC";

  // The argument block of both calls; the handle is at offset 0.
  private static final int OFFSET = 8;
  private static final int BUFFER = 16;
  private static final int LENGTH = 24;
  private static final int RESULT = 32;

  /** What a virtio guest can be told. */
  private static final int VIRTIO_SECTOR_BYTE_SIZE = 512;

  private final String name;
  private final BlockBacking backing;
  private final int sectorByteSize;
  private final Fsync fsync;
  private @Nullable HostFailures failures; // once activated
  private boolean closed;

  /**
   * Creates one.
   *
   * @param name for messages
   * @param backing closed with the device
   * @param sectorByteSize divides the backing's size
   * @param fsync when to flush
   */
  public BlockDevice(String name, BlockBacking backing, int sectorByteSize, Fsync fsync) {
    this.name = name;
    this.backing = backing;
    this.sectorByteSize = sectorByteSize;
    this.fsync = fsync;
  }

  @Override
  public String type() {
    return TYPE;
  }

  @Override
  public void activate(DeviceContext context) {
    if (failures != null) {
      throw new IllegalStateException(
          "block device %s has served a monitor already: make another".formatted(name));
    }
    failures = new HostFailures(context);
    Optional<VirtioTransport> virtio = context.virtio();
    if (virtio.isPresent()) {
      activate(virtio.get());
      return;
    }
    context.describe(
        ByteBuffer.allocate(16)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(backing.byteSize())
            .putShort((short) sectorByteSize)
            .array());
    GuestWindows windows = new GuestWindows(context.memory());
    context.hypercall(
        hypercall(HvtAbi.Hypercall.BLOCK_WRITE), new Write(context.memory(), windows));
    context.hypercall(hypercall(HvtAbi.Hypercall.BLOCK_READ), new Read(context.memory(), windows));
  }

  private static DeviceHypercall hypercall(HvtAbi.Hypercall call) {
    return new DeviceHypercall(call.nr(), call.name(), call.blockByteSize(), RESULT);
  }

  private void activate(VirtioTransport virtio) {
    if (sectorByteSize != VIRTIO_SECTOR_BYTE_SIZE) {
      throw new ConfigurationException(
          "device %s has sectors of %d bytes, but a virtio guest can only be told of %d"
              .formatted(name, sectorByteSize, VIRTIO_SECTOR_BYTE_SIZE));
    }
    virtio.block(fsync == Fsync.EACH_WRITE ? new FlushingBacking(backing) : backing);
  }

  /** Both calls: the checks in the ABI's order, then the transfer in slices. */
  private abstract class Transfer implements GuestCallHandler {
    final GuestMemory memory;
    private final GuestWindows windows;
    private final String verb;

    // What is left of the request under way.
    private long block;
    private long offset;
    private long gpa;
    private long left;

    Transfer(GuestMemory memory, GuestWindows windows, String verb) {
      this.memory = memory;
      this.windows = windows;
      this.verb = verb;
    }

    abstract void checkBuffer(long gpa, long byteSize);

    abstract boolean isAllowed();

    abstract void transfer(ByteBuffer buffer, long offset) throws IOException;

    abstract void finish() throws IOException;

    @Override
    public Outcome handle(GuestCall call) {
      block = call.argument();
      offset = memory.readLong(block + OFFSET);
      gpa = memory.readLong(block + BUFFER);
      left = memory.readLong(block + LENGTH);
      long capacity = backing.byteSize();
      if (left < 0 || offset < 0 || offset >= capacity || left > capacity - offset) {
        return end(HvtAbi.RESULT_EINVAL);
      }
      checkBuffer(gpa, left);
      if (!isAllowed()) {
        return end(HvtAbi.RESULT_EUNSPEC);
      }
      return resume(call);
    }

    /** Moves one slice; requests that are longer let the loop see in between whether to stop. */
    @Override
    public Outcome resume(GuestCall call) {
      int slice = (int) Math.min(left, GuestWindows.MAX_BYTE_SIZE);
      try {
        transfer(windows.range(gpa, slice), offset);
        offset += slice;
        gpa += slice;
        left -= slice;
        if (left > 0) {
          return call.waitFor(call.time().monotonicNanos(), List.of());
        }
        finish();
      } catch (IOException e) {
        hostFailure("%s of %d bytes at offset %d".formatted(verb, left, offset), e);
        return end(HvtAbi.RESULT_EUNSPEC);
      }
      return end(HvtAbi.RESULT_OK);
    }

    private Outcome end(int result) {
      memory.writeInt(block + RESULT, result);
      return Outcome.CONTINUE;
    }
  }

  private final class Read extends Transfer {
    Read(GuestMemory memory, GuestWindows windows) {
      super(memory, windows, "read");
    }

    @Override
    void checkBuffer(long gpa, long byteSize) {
      memory.checkWrite(gpa, byteSize);
    }

    @Override
    boolean isAllowed() {
      return true;
    }

    @Override
    void transfer(ByteBuffer buffer, long offset) throws IOException {
      backing.read(buffer, offset);
    }

    @Override
    void finish() {}
  }

  private final class Write extends Transfer {
    Write(GuestMemory memory, GuestWindows windows) {
      super(memory, windows, "write");
    }

    @Override
    void checkBuffer(long gpa, long byteSize) {
      memory.checkRead(gpa, byteSize);
    }

    @Override
    boolean isAllowed() {
      return !backing.isReadOnly();
    }

    @Override
    void transfer(ByteBuffer buffer, long offset) throws IOException {
      backing.write(buffer, offset);
    }

    @Override
    void finish() throws IOException {
      if (fsync == Fsync.EACH_WRITE) {
        backing.flush();
      }
    }
  }

  private void hostFailure(String what, IOException cause) {
    if (failures != null) {
      failures.report(what, cause);
    }
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    if (fsync != Fsync.NEVER && !backing.isReadOnly()) {
      try {
        backing.flush();
      } catch (IOException e) {
        hostFailure("fsync", e);
      }
    }
    try {
      backing.close();
    } catch (IOException e) {
      hostFailure("close", e);
    }
  }

  @Override
  public String toString() {
    return "block device " + name;
  }
}
