// SPDX-License-Identifier: ISC
package dev.tealight.softcpu;

import dev.tealight.GuestMemory;
import dev.tealight.ReadinessSource;
import dev.tealight.device.Device;
import dev.tealight.device.DeviceContext;
import dev.tealight.device.DeviceHypercall;
import dev.tealight.device.GuestCall;
import dev.tealight.device.Outcome;
import dev.tealight.solo5.HvtAbi;
import dev.tealight.solo5.HvtAbi.Hypercall;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.Queue;

/** Devices that give a guest the same input each time. */
final class InputDevices {
  private static final int OK = HvtAbi.RESULT_OK;

  private InputDevices() {}

  /** A disk whose bytes tell their place. Handle, offset, address, length, result. */
  static final class Disk implements Device {
    private final byte[] content = new byte[64 << 10];

    Disk() {
      for (int i = 0; i < content.length; i++) {
        content[i] = (byte) ((i * 31) >>> 3);
      }
    }

    @Override
    public String type() {
      return "BLOCK_BASIC";
    }

    @Override
    public void activate(DeviceContext context) {
      context.describe(
          ByteBuffer.allocate(10)
              .order(ByteOrder.LITTLE_ENDIAN)
              .putLong(content.length)
              .putShort((short) 512)
              .array());
      context.hypercall(call(Hypercall.BLOCK_READ, 32), call -> transfer(call, true));
      context.hypercall(call(Hypercall.BLOCK_WRITE, 32), call -> transfer(call, false));
    }

    private Outcome transfer(GuestCall call, boolean toGuest) {
      GuestMemory memory = call.memory();
      int offset = (int) memory.readLong(call.argument() + 8);
      long gpa = memory.readLong(call.argument() + 16);
      int length = (int) memory.readLong(call.argument() + 24);
      if (toGuest) {
        memory.copyIn(gpa, content, offset, length);
      } else {
        memory.copyOut(gpa, content, offset, length);
      }
      memory.writeInt(call.argument() + 32, OK);
      return Outcome.CONTINUE;
    }

    @Override
    public void close() {}
  }

  /**
   * A network that holds three frames and returns each frame sent with its bytes inverted. Handle,
   * address, length, result.
   */
  static final class Echo implements Device {
    private final Queue<byte[]> frames = new ArrayDeque<>();

    @Override
    public String type() {
      return "NET_BASIC";
    }

    @Override
    public void activate(DeviceContext context) {
      byte[] mac = new byte[6];
      context.entropy().fill(mac);
      mac[0] = 2;
      context.describe(
          ByteBuffer.allocate(8)
              .order(ByteOrder.LITTLE_ENDIAN)
              .put(mac)
              .putShort((short) 1500)
              .array());
      context.pollable(
          new ReadinessSource() {
            @Override
            public boolean isReady() {
              return !frames.isEmpty();
            }
          });
      for (int i = 0; i < 3; i++) {
        frames.add(new byte[60 + i]);
      }
      context.hypercall(call(Hypercall.NET_WRITE, 24), this::write);
      context.hypercall(call(Hypercall.NET_READ, 24), this::read);
    }

    private Outcome write(GuestCall call) {
      GuestMemory memory = call.memory();
      byte[] frame = new byte[(int) memory.readLong(call.argument() + 16)];
      memory.copyOut(memory.readLong(call.argument() + 8), frame, 0, frame.length);
      for (int i = 0; i < frame.length; i++) {
        frame[i] = (byte) ~frame[i];
      }
      frames.add(frame);
      memory.writeInt(call.argument() + 24, OK);
      return Outcome.CONTINUE;
    }

    private Outcome read(GuestCall call) {
      GuestMemory memory = call.memory();
      byte[] frame = frames.poll();
      if (frame != null) {
        memory.copyIn(memory.readLong(call.argument() + 8), frame, 0, frame.length);
        memory.writeLong(call.argument() + 16, frame.length);
      }
      memory.writeInt(call.argument() + 24, frame != null ? OK : HvtAbi.RESULT_AGAIN);
      return Outcome.CONTINUE;
    }

    @Override
    public void close() {}
  }

  private static DeviceHypercall call(Hypercall hypercall, int resultOffset) {
    return new DeviceHypercall(
        hypercall.nr(), hypercall.name(), hypercall.blockByteSize(), resultOffset);
  }
}
