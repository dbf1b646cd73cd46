// SPDX-License-Identifier: ISC

package dev.tealight.testkit.contract;

import dev.tealight.GuestMemory;
import dev.tealight.device.Device;
import dev.tealight.device.DeviceConfig;
import dev.tealight.device.DeviceContext;
import dev.tealight.device.DeviceHypercall;
import dev.tealight.device.GuestCall;
import dev.tealight.device.Outcome;
import dev.tealight.solo5.HvtAbi;
import dev.tealight.solo5.HvtAbi.Hypercall;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The devices that the guest programs declare, as little of them as the programs need, so that a
 * backend is tested without the modules of the real ones.
 */
final class FakeDevices {
  static final DeviceHypercall READ = call(Hypercall.BLOCK_READ);
  static final DeviceHypercall WRITE = call(Hypercall.BLOCK_WRITE);

  private FakeDevices() {}

  private static DeviceHypercall call(Hypercall hypercall) {
    return new DeviceHypercall(hypercall.nr(), hypercall.name(), hypercall.blockByteSize(), 32);
  }

  /**
   * {@return a block device in an array of zeros}
   *
   * @param byteSize its capacity
   * @param sectorByteSize what it tells the guest
   */
  static DeviceConfig block(int byteSize, int sectorByteSize) {
    return name -> new Block(byteSize, sectorByteSize);
  }

  /**
   * {@return a net device that says who it is and serves nothing}
   *
   * @param mtu what it tells the guest
   */
  static DeviceConfig net(int mtu) {
    byte[] properties =
        ByteBuffer.allocate(8)
            .order(ByteOrder.LITTLE_ENDIAN)
            .put(new byte[] {2, 0, 0, 0, 0, 1})
            .putShort((short) mtu)
            .array();
    return name -> new Inert("NET_BASIC", properties);
  }

  /** {@return a net device that takes frames of all sizes there can be, and never has one} */
  static DeviceConfig wire() {
    return name -> new Wire();
  }

  /**
   * {@return a device that serves nothing}
   *
   * @param type the manifest's word
   */
  static DeviceConfig inert(String type) {
    return name -> new Inert(type, new byte[0]);
  }

  @SuppressWarnings("ArrayRecordComponent") // Nobody compares them.
  private record Inert(String type, byte[] properties) implements Device {
    @Override
    public void activate(DeviceContext context) {
      context.describe(properties);
    }

    @Override
    public void close() {}
  }

  /** Handle, address, length, result: 8, 8, 8 and 4 bytes. */
  private record Wire() implements Device {
    private static final int MIN_FRAME_BYTE_SIZE = 14;
    private static final int MAX_FRAME_BYTE_SIZE = 65535;

    @Override
    public String type() {
      return "NET_BASIC";
    }

    @Override
    public void activate(DeviceContext context) {
      context.hypercall(net(Hypercall.NET_WRITE), Wire::write);
      context.hypercall(net(Hypercall.NET_READ), call -> end(call, HvtAbi.RESULT_AGAIN));
    }

    private static DeviceHypercall net(Hypercall hypercall) {
      return new DeviceHypercall(hypercall.nr(), hypercall.name(), hypercall.blockByteSize(), 24);
    }

    private static Outcome write(GuestCall call) {
      long length = call.memory().readLong(call.argument() + 16);
      boolean frame = length >= MIN_FRAME_BYTE_SIZE && length <= MAX_FRAME_BYTE_SIZE;
      return end(call, frame ? HvtAbi.RESULT_OK : HvtAbi.RESULT_EINVAL);
    }

    private static Outcome end(GuestCall call, int result) {
      call.memory().writeInt(call.argument() + 24, result);
      return Outcome.CONTINUE;
    }

    @Override
    public void close() {}
  }

  /** Handle, offset, address, length, result: 8, 8, 8, 8 and 4 bytes. */
  private static final class Block implements Device {
    private final byte[] content;
    private final int sectorByteSize;
    private boolean active;

    Block(int byteSize, int sectorByteSize) {
      this.content = new byte[byteSize];
      this.sectorByteSize = sectorByteSize;
    }

    @Override
    public String type() {
      return "BLOCK_BASIC";
    }

    @Override
    public void activate(DeviceContext context) {
      if (active) {
        throw new IllegalStateException("a block device serves one guest");
      }
      active = true;
      context.describe(
          ByteBuffer.allocate(10)
              .order(ByteOrder.LITTLE_ENDIAN)
              .putLong(content.length)
              .putShort((short) sectorByteSize)
              .array());
      context.hypercall(READ, call -> transfer(call, true));
      context.hypercall(WRITE, call -> transfer(call, false));
    }

    private Outcome transfer(GuestCall call, boolean toGuest) {
      GuestMemory memory = call.memory();
      long block = call.argument();
      long offset = memory.readLong(block + 8);
      long gpa = memory.readLong(block + 16);
      long length = memory.readLong(block + 24);
      boolean inside =
          offset >= 0
              && offset < content.length
              && length >= 0
              && length <= content.length - offset;
      if (inside && toGuest) {
        memory.copyIn(gpa, content, (int) offset, (int) length);
      } else if (inside) {
        memory.copyOut(gpa, content, (int) offset, (int) length);
      }
      memory.writeInt(block + 32, inside ? HvtAbi.RESULT_OK : HvtAbi.RESULT_EINVAL);
      return Outcome.CONTINUE;
    }

    @Override
    public void close() {}
  }
}
