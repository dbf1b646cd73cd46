// SPDX-License-Identifier: ISC
package dev.tealight.device.virtio.internal;

import dev.tealight.GuestAccessException;
import dev.tealight.GuestMemory;
import dev.tealight.ReadinessSource;
import dev.tealight.device.DeviceContext;
import dev.tealight.device.FrameLink;
import dev.tealight.device.GuestCall;
import dev.tealight.device.HostFailures;
import dev.tealight.device.MacAddress;
import dev.tealight.device.Outcome;
import dev.tealight.device.virtio.DescriptorChain;
import dev.tealight.device.virtio.LegacyFunction;
import dev.tealight.device.virtio.Virtqueue;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A virtio network device: a queue of buffers to receive into and one of frames to send, each frame
 * behind a header of 10 bytes. Nothing is left to the other side: checksums are complete and frames
 * are whole.
 *
 * @see "Virtual I/O Device (VIRTIO) Version 1.2, 5.1"
 */
final class VirtioNet extends LegacyFunction {
  private static final int TYPE = 1;
  private static final int ETHERNET = 0x020000;
  private static final int FEATURE_MTU = 1 << 3;
  private static final int FEATURE_MAC = 1 << 5;
  private static final int MTU = 10;
  private static final int HEADER_BYTE_SIZE = 10;

  private static final int RECEIVE = 0;
  private static final int TRANSMIT = 1;

  private final GuestMemory memory;
  private final FrameLink link;
  private final ReadinessSource source;
  private final byte[] mac;
  private final int mtu;
  private final HostFailures failures;
  private final DescriptorChain chain = new DescriptorChain(Virtqueue.DEFAULT_SIZE);

  /**
   * A header and a frame. One that comes is put here first: only then is its length known, and one
   * that is too long for the guest's buffer is dropped, not cut. One that leaves is put here if it
   * is in pieces. The garbage collector frees it.
   */
  private final MemorySegment packet =
      Arena.ofAuto().allocate(HEADER_BYTE_SIZE + FrameLink.MAX_FRAME_BYTE_SIZE, Long.BYTES);

  VirtioNet(DeviceContext context, FrameLink link, MacAddress mac, int mtu) {
    super(context.memory(), TYPE, ETHERNET, FEATURE_MAC | FEATURE_MTU, 2);
    this.memory = context.memory();
    this.link = link;
    this.source = link.readiness();
    this.mac = mac.toBytes();
    this.mtu = mtu;
    this.failures = new HostFailures(context);
  }

  @Override
  protected int configuration(int offset) {
    if (offset < mac.length) {
      return mac[offset];
    }
    return switch (offset) {
      case MTU -> mtu;
      case MTU + 1 -> mtu >>> 8;
      default -> 0;
    };
  }

  @Override
  protected Outcome notified(GuestCall call, int queue) {
    if (queue == TRANSMIT) {
      transmit();
    } else {
      receive(false);
    }
    return Outcome.CONTINUE;
  }

  @Override
  protected void driverReady() {
    receive(false); // buffers may have been offered before
  }

  @Override
  public void poll(boolean halted) {
    receive(halted);
  }

  @Override
  public boolean takesFrom(ReadinessSource asked) {
    return source.equals(asked) && isDriverReady() && queue(RECEIVE).hasOffer();
  }

  /** Sends what is there, at most a queue's worth: more is there only if the guest makes it so. */
  private void transmit() {
    Virtqueue queue = queue(TRANSMIT);
    int left = queue.size();
    boolean any = false;
    while (left > 0 && queue.next(chain)) {
      left--;
      any = true;
      send();
      queue.complete(chain, 0);
    }
    if (any) {
      completed(queue);
    }
  }

  private void send() {
    int last = chain.readableCount() - 1;
    long byteSize = chain.readableByteSize() - HEADER_BYTE_SIZE;
    if (byteSize < 0) {
      throw new GuestAccessException(
          "a frame to send has no room for its header of %d bytes".formatted(HEADER_BYTE_SIZE));
    }
    if (byteSize < FrameLink.MIN_FRAME_BYTE_SIZE || byteSize > FrameLink.MAX_FRAME_BYTE_SIZE) {
      return; // no frame, and no way to tell the guest
    }
    try {
      if (chain.byteSize(last) >= byteSize) {
        // Behind the header in one piece, as most drivers have it.
        long gpa = chain.gpa(last) + chain.byteSize(last) - byteSize;
        link.send(memory.unrestricted(), gpa, (int) byteSize);
      } else {
        chain.copyOut(memory, packet);
        link.send(packet, HEADER_BYTE_SIZE, (int) byteSize);
      }
    } catch (IOException e) {
      failures.report("sending a frame", e);
    }
  }

  /** Hands over what came, as long as the guest has buffers; of what finds none see poll. */
  private void receive(boolean halted) {
    Virtqueue queue = queue(RECEIVE);
    int left = queue.size();
    boolean any = false;
    while (left > 0 && (halted || (isDriverReady() && queue.hasNext()))) {
      left--;
      int byteSize = take();
      if (byteSize > 0) {
        any |= isDriverReady() && deliver(queue, byteSize);
      } else if (source.descriptor() >= 0 || !source.isReady()) {
        // A source without a descriptor wakes whoever asked last whether it is ready.
        break;
      }
    }
    if (any) {
      completed(queue);
    }
  }

  private int take() {
    try {
      return link.receive(packet, HEADER_BYTE_SIZE, FrameLink.MAX_FRAME_BYTE_SIZE);
    } catch (IOException e) {
      failures.report("receiving a frame", e);
      return 0;
    }
  }

  private boolean deliver(Virtqueue queue, int frameByteSize) {
    if (!queue.next(chain)) {
      return false;
    }
    int byteSize = HEADER_BYTE_SIZE + frameByteSize;
    if (byteSize > chain.writableByteSize()) {
      queue.unread();
      return false;
    }
    chain.copyIn(memory, packet, byteSize);
    queue.complete(chain, byteSize);
    return true;
  }
}
