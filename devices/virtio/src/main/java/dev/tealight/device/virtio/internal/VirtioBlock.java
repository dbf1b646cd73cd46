// SPDX-License-Identifier: ISC
package dev.tealight.device.virtio.internal;

import dev.tealight.GuestAccessException;
import dev.tealight.GuestMemory;
import dev.tealight.device.BlockBacking;
import dev.tealight.device.DeviceContext;
import dev.tealight.device.GuestCall;
import dev.tealight.device.GuestWindows;
import dev.tealight.device.HostFailures;
import dev.tealight.device.Outcome;
import dev.tealight.device.virtio.DescriptorChain;
import dev.tealight.device.virtio.LegacyFunction;
import dev.tealight.device.virtio.Virtqueue;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * A virtio block device. A request is a chain: a header of 16 bytes (type 4, reserved 4, sector 8),
 * any number of data buffers, and a byte for the status.
 *
 * @see "Virtual I/O Device (VIRTIO) Version 1.2, 5.2"
 */
final class VirtioBlock extends LegacyFunction {
  private static final int TYPE = 2;
  private static final int MASS_STORAGE = 0x010000;
  private static final int FEATURE_READ_ONLY = 1 << 5;
  private static final int FEATURE_FLUSH = 1 << 9;
  private static final int SECTOR_BYTE_SIZE = 512;
  private static final int HEADER_BYTE_SIZE = 16;
  private static final int ID_BYTE_SIZE = 20;

  private static final int READ = 0;
  private static final int WRITE = 1;
  private static final int FLUSH = 4;
  private static final int GET_ID = 8;

  private static final byte OK = 0;
  private static final byte IO_ERROR = 1;
  private static final byte UNSUPPORTED = 2;

  private final String name;
  private final GuestMemory memory;
  private final GuestWindows windows;
  private final BlockBacking storage;
  private final DescriptorChain chain = new DescriptorChain(Virtqueue.DEFAULT_SIZE);
  private final HostFailures failures;

  /** Chains that this notification may still serve: a guest cannot keep the device busy forever. */
  private int chainsLeft;

  // The transfer under way.
  private boolean transferring;
  private int type;
  private int buffer;
  private long offsetInBuffer;
  private long position;
  private long transferred;

  VirtioBlock(DeviceContext context, BlockBacking storage) {
    super(
        context.memory(),
        TYPE,
        MASS_STORAGE,
        FEATURE_FLUSH | (storage.isReadOnly() ? FEATURE_READ_ONLY : 0),
        1);
    this.name = context.name();
    this.failures = new HostFailures(context);
    this.memory = context.memory();
    this.windows = new GuestWindows(memory);
    this.storage = storage;
  }

  /** The capacity in sectors, 8 bytes; the rest belongs to features that are not offered. */
  @Override
  protected int configuration(int offset) {
    return offset < Long.BYTES
        ? (int) ((storage.byteSize() / SECTOR_BYTE_SIZE) >>> (8 * offset)) & 0xff
        : 0;
  }

  @Override
  protected Outcome notified(GuestCall call, int queue) {
    chainsLeft = queue(0).size();
    return resume(call);
  }

  /** Moves one slice; what is longer lets the loop see in between whether to stop. */
  @Override
  public Outcome resume(GuestCall call) {
    long slice = GuestWindows.MAX_BYTE_SIZE;
    while (transferring || begin()) {
      try {
        slice -= transfer(slice);
      } catch (IOException e) {
        hostFailure(e);
        end(IO_ERROR);
        continue;
      }
      if (buffer == chain.count() - 1) {
        end(OK);
      } else {
        return call.waitFor(call.time().monotonicNanos(), List.of());
      }
    }
    return Outcome.CONTINUE;
  }

  /** Serves requests up to the next one that transfers something. */
  private boolean begin() {
    while (chainsLeft > 0 && queue(0).next(chain)) {
      chainsLeft--;
      int last = chain.count() - 1;
      if (last < 1
          || chain.readableCount() < 1
          || chain.readableCount() > last
          || chain.byteSize(0) < HEADER_BYTE_SIZE
          || chain.byteSize(last) < 1) {
        throw new GuestAccessException(
            "a block request of %d descriptors lacks header or status".formatted(chain.count()));
      }
      type = memory.readInt(chain.gpa(0));
      long sector = memory.readLong(chain.gpa(0) + Long.BYTES);
      transferred = 0;
      switch (type) {
        case READ, WRITE -> {
          if (isAllowed(sector)) {
            transferring = true;
            buffer = 1;
            offsetInBuffer = 0;
            position = sector * SECTOR_BYTE_SIZE;
            return true;
          }
          end(IO_ERROR);
        }
        case FLUSH -> end(flush());
        case GET_ID -> end(writeId());
        default -> end(UNSUPPORTED);
      }
    }
    return false;
  }

  private boolean isAllowed(long sector) {
    int last = chain.count() - 1;
    // All of the data is for the device to read, or all of it to write.
    boolean direction = type == READ ? chain.readableCount() == 1 : chain.readableCount() == last;
    long byteSize = 0;
    for (int i = 1; i < last; i++) {
      byteSize += chain.byteSize(i);
    }
    long sectors = storage.byteSize() / SECTOR_BYTE_SIZE;
    return direction
        && (type == READ || !storage.isReadOnly())
        && byteSize % SECTOR_BYTE_SIZE == 0
        && sector >= 0
        && sector <= sectors
        && byteSize / SECTOR_BYTE_SIZE <= sectors - sector;
  }

  /** Moves up to {@code limit} bytes and returns how many. */
  private long transfer(long limit) throws IOException {
    long left = limit;
    int last = chain.count() - 1;
    while (buffer < last && left > 0) {
      int count = (int) Math.min(left, chain.byteSize(buffer) - offsetInBuffer);
      long gpa = chain.gpa(buffer) + offsetInBuffer;
      if (count > 0) {
        if (type == READ) {
          storage.read(windows.range(gpa, count), position);
        } else {
          storage.write(windows.range(gpa, count), position);
        }
      }
      position += count;
      transferred += count;
      offsetInBuffer += count;
      left -= count;
      if (offsetInBuffer == chain.byteSize(buffer)) {
        buffer++;
        offsetInBuffer = 0;
      }
    }
    return limit - left;
  }

  private byte flush() {
    try {
      storage.flush();
      return OK;
    } catch (IOException e) {
      hostFailure(e);
      return IO_ERROR;
    }
  }

  private byte writeId() {
    if (chain.count() != 3 || chain.readableCount() != 1 || chain.byteSize(1) < ID_BYTE_SIZE) {
      return IO_ERROR;
    }
    byte[] id = new byte[ID_BYTE_SIZE];
    byte[] ascii = name.getBytes(StandardCharsets.US_ASCII);
    System.arraycopy(ascii, 0, id, 0, Math.min(ascii.length, ID_BYTE_SIZE));
    memory.copyIn(chain.gpa(1), id, 0, ID_BYTE_SIZE);
    transferred = ID_BYTE_SIZE;
    return OK;
  }

  private void end(byte result) {
    transferring = false;
    memory.writeByte(chain.gpa(chain.count() - 1), result);
    queue(0).complete(chain, 1 + (type == WRITE ? 0 : transferred));
    completed(queue(0));
  }

  private void hostFailure(IOException cause) {
    failures.report("block request of type %d at offset %d".formatted(type, position), cause);
  }
}
