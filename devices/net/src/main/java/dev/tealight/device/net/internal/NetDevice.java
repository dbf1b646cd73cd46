// SPDX-License-Identifier: ISC
package dev.tealight.device.net.internal;

import dev.tealight.GuestMemory;
import dev.tealight.device.Device;
import dev.tealight.device.DeviceContext;
import dev.tealight.device.DeviceHypercall;
import dev.tealight.device.FrameLink;
import dev.tealight.device.GuestCall;
import dev.tealight.device.HostFailures;
import dev.tealight.device.MacAddress;
import dev.tealight.device.Outcome;
import dev.tealight.device.VirtioTransport;
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
  private static final int BLOCK_BYTE_SIZE = 32;

  private static final int OK = 0;
  private static final int AGAIN = 1;
  private static final int EINVAL = 2;
  private static final int EUNSPEC = 3;

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
    failures = new HostFailures(context);
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
    context.hypercall(new DeviceHypercall(6, "NET_WRITE", BLOCK_BYTE_SIZE, RESULT), this::write);
    context.hypercall(new DeviceHypercall(7, "NET_READ", BLOCK_BYTE_SIZE, RESULT), this::read);
    context.pollable(link.readiness());
  }

  /** Block: 0 handle, 8 address of the frame, 16 its length, 24 the result. */
  private Outcome write(GuestCall call) {
    GuestMemory memory = call.memory();
    long block = call.argument();
    long gpa = memory.readLong(block + BUFFER);
    long length = memory.readLong(block + LENGTH);
    memory.checkRead(gpa, length);
    int result = OK;
    if (length < FrameLink.MIN_FRAME_BYTE_SIZE || length > FrameLink.MAX_FRAME_BYTE_SIZE) {
      result = EINVAL;
    } else {
      try {
        link.send(memory.unrestricted(), gpa, (int) length);
      } catch (IOException e) {
        hostFailure("sending a frame", e);
        result = EUNSPEC;
      }
    }
    memory.writeInt(block + RESULT, result);
    return Outcome.CONTINUE;
  }

  /** Block: 0 handle, 8 address of the buffer, 16 its size, then the frame's, 24 the result. */
  private Outcome read(GuestCall call) {
    GuestMemory memory = call.memory();
    long block = call.argument();
    long gpa = memory.readLong(block + BUFFER);
    long capacity = memory.readLong(block + LENGTH);
    memory.checkWrite(gpa, capacity);
    // What is taken from the link must reach the guest.
    memory.checkWrite(block + LENGTH, BLOCK_BYTE_SIZE - LENGTH);
    int result = AGAIN;
    if (capacity > 0) {
      try {
        int length =
            link.receive(
                memory.unrestricted(),
                gpa,
                (int) Math.min(capacity, FrameLink.MAX_FRAME_BYTE_SIZE));
        if (length > 0) {
          memory.writeLong(block + LENGTH, length);
          result = OK;
        }
      } catch (IOException e) {
        hostFailure("receiving a frame", e);
        result = EUNSPEC;
      }
    }
    memory.writeInt(block + RESULT, result);
    return Outcome.CONTINUE;
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
    try {
      link.close();
    } catch (IOException e) {
      hostFailure("close", e);
    }
  }

  @Override
  public String toString() {
    return "network device " + name;
  }
}
