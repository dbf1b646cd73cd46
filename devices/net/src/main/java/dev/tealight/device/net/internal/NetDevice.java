// SPDX-License-Identifier: ISC
package dev.tealight.device.net.internal;

import dev.tealight.GuestMemory;
import dev.tealight.ReadinessSource;
import dev.tealight.Waiter;
import dev.tealight.device.Device;
import dev.tealight.device.DeviceContext;
import dev.tealight.device.DeviceHypercall;
import dev.tealight.device.FrameLink;
import dev.tealight.device.FrameTransfer;
import dev.tealight.device.GuestCall;
import dev.tealight.device.HostFailures;
import dev.tealight.device.MacAddress;
import dev.tealight.device.Outcome;
import dev.tealight.device.VirtioTransport;
import dev.tealight.solo5.HvtAbi;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Solo5's NET_BASIC; a guest without hypercalls finds a virtio device in its place.
 *
 * @see <a href="https://github.com/Solo5/solo5/blob/v0.12.1/include/hvt_abi.h">hvt_abi.h</a>
 */
public final class NetDevice implements Device {
  static final String TYPE = "NET_BASIC";

  // The argument block of both calls; the handle is at offset 0.
  private static final int BUFFER = 8;
  private static final int LENGTH = 16;
  private static final int RESULT = 24;

  private final String name;
  private final FrameLink link;
  private final MacAddress mac;
  private final int mtu;
  private @Nullable HostFailures failures; // once activated
  private boolean closed;

  /**
   * Creates one.
   *
   * @param name for messages
   * @param link closed with the device
   * @param mac told to the guest
   * @param mtu told to the guest, 68 to 65521
   */
  public NetDevice(String name, FrameLink link, MacAddress mac, int mtu) {
    this.name = name;
    this.link = link;
    this.mac = mac;
    this.mtu = mtu;
  }

  @Override
  public String type() {
    return TYPE;
  }

  @Override
  public void activate(DeviceContext context) {
    if (failures != null) {
      throw new IllegalStateException(
          "network device %s has served a monitor already: make another".formatted(name));
    }
    HostFailures told = new HostFailures(context);
    failures = told;
    Optional<VirtioTransport> virtio = context.virtio();
    if (virtio.isPresent()) {
      virtio.get().network(link, mac, mtu);
      return;
    }
    context.describe(
        ByteBuffer.allocate(MacAddress.BYTE_SIZE + Short.BYTES)
            .order(ByteOrder.LITTLE_ENDIAN)
            .put(mac.toBytes())
            .putShort((short) mtu)
            .array());
    Frames frames = new Frames(context.memory(), told);
    context.hypercall(hypercall(HvtAbi.Hypercall.NET_WRITE), frames::write);
    context.hypercall(hypercall(HvtAbi.Hypercall.NET_READ), frames::read);
    context.pollable(frames);
    context.frames(frames);
  }

  private static DeviceHypercall hypercall(HvtAbi.Hypercall call) {
    return new DeviceHypercall(call.nr(), call.name(), call.blockByteSize(), RESULT);
  }

  /** The device at work, by hypercalls or without: a guest may use both at once. */
  private final class Frames implements FrameTransfer, ReadinessSource {
    private final GuestMemory memory;
    private final HostFailures failures;
    private final ReadinessSource readiness = link.readiness();

    /** Held while the link is used. */
    private final Object turn = new Object();

    Frames(GuestMemory memory, HostFailures failures) {
      this.memory = memory;
      this.failures = failures;
    }

    /** Block: 0 handle, 8 address of the frame, 16 its length, 24 the result. */
    Outcome write(GuestCall call) {
      long block = call.argument();
      int result = send(memory.readLong(block + BUFFER), memory.readLong(block + LENGTH));
      memory.writeInt(block + RESULT, result);
      return Outcome.CONTINUE;
    }

    /** Block: 0 handle, 8 address of the buffer, 16 its size, then the frame's, 24 the result. */
    Outcome read(GuestCall call) {
      long block = call.argument();
      long gpa = memory.readLong(block + BUFFER);
      long capacity = memory.readLong(block + LENGTH);
      // What is taken from the link must reach the guest.
      memory.checkWrite(block + LENGTH, RESULT + Integer.BYTES - LENGTH);
      int received = receive(gpa, capacity);
      if (received > 0) {
        memory.writeLong(block + LENGTH, received);
      }
      memory.writeInt(block + RESULT, received > 0 ? OK : -received);
      return Outcome.CONTINUE;
    }

    @Override
    public int send(long gpa, long byteSize) {
      memory.checkRead(gpa, byteSize);
      if (byteSize < FrameLink.MIN_FRAME_BYTE_SIZE || byteSize > FrameLink.MAX_FRAME_BYTE_SIZE) {
        return EINVAL;
      }
      try {
        synchronized (turn) {
          link.send(memory.unrestricted(), gpa, (int) byteSize);
        }
        return OK;
      } catch (IOException e) {
        failures.report("sending a frame", e);
        return EUNSPEC;
      }
    }

    @Override
    public int receive(long gpa, long byteSize) {
      memory.checkWrite(gpa, byteSize);
      if (byteSize == 0) {
        return -AGAIN;
      }
      int capacity = (int) Math.min(byteSize, FrameLink.MAX_FRAME_BYTE_SIZE);
      try {
        int length;
        synchronized (turn) {
          length = link.receive(memory.unrestricted(), gpa, capacity);
        }
        return length > 0 ? length : -AGAIN;
      } catch (IOException e) {
        failures.report("receiving a frame", e);
        return -EUNSPEC;
      }
    }

    @Override
    public boolean isReady() {
      synchronized (turn) {
        return readiness.isReady();
      }
    }

    @Override
    public int descriptor() {
      return readiness.descriptor();
    }

    @Override
    public void attach(Waiter waiter) {
      readiness.attach(waiter);
    }

    @Override
    public void polled() {
      synchronized (turn) {
        readiness.polled();
      }
    }
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    try {
      link.close();
    } catch (IOException e) {
      if (failures != null) {
        failures.report("close", e);
      }
    }
  }

  @Override
  public String toString() {
    return "network device " + name;
  }
}
