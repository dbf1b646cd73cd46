// SPDX-License-Identifier: ISC
package dev.tealight.device.net;

import dev.tealight.device.FrameLink;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;

/**
 * A guest's end of a link on which one TCP connection after the other is answered with what came.
 * As little of TCP as does where no frame is lost.
 */
final class TcpEcho implements AutoCloseable {
  private static final int FIN = 1;
  private static final int SYN = 2;
  private static final int ACK = 16;
  private static final int TCP = 34; // behind the headers of Ethernet and IP

  private final FrameLink link;
  private final Packets self;
  private final byte[] gateway;
  private final byte[] frame = new byte[FrameLink.MAX_FRAME_BYTE_SIZE];
  private final MemorySegment memory = MemorySegment.ofArray(frame);
  private final CompletableFuture<Void> ended = new CompletableFuture<>();
  private volatile boolean closed;

  private int received; // the next byte that is expected
  private int sent; // the next byte that is sent

  /**
   * Begins to answer.
   *
   * @param link used and closed by this
   * @param self who answers
   * @param gateway the address of the other end
   */
  TcpEcho(FrameLink link, Packets self, int... gateway) {
    this.link = link;
    this.self = self;
    this.gateway = Packets.bytes(gateway);
    var _ = Thread.ofPlatform().name("tcp-echo").start(this::run);
  }

  private void run() {
    try (link) {
      send(self.arpRequest(gateway[0], gateway[1], gateway[2], gateway[3])); // tells who is here
      while (!closed) {
        int length = link.receive(memory, 0, frame.length);
        if (length > 0) {
          answer(ByteBuffer.wrap(frame, 0, length));
        } else {
          Thread.sleep(1);
        }
      }
      ended.complete(null);
    } catch (IOException | InterruptedException | RuntimeException e) {
      ended.completeExceptionally(e);
    }
  }

  private void send(byte[] bytes) throws IOException {
    link.send(MemorySegment.ofArray(bytes), 0, bytes.length);
  }

  private void answer(ByteBuffer packet) throws IOException {
    int type = packet.getShort(12);
    if (type == 0x0806 && packet.getShort(20) == 1) {
      send(self.arpReply(packet));
    } else if (type == 0x0800 && packet.get(23) == 6) {
      answerSegment(packet, TCP + (packet.get(TCP + 12) >>> 4 & 15) * 4, 14 + packet.getShort(16));
    }
  }

  private void answerSegment(ByteBuffer packet, int start, int end) throws IOException {
    int flags = packet.get(TCP + 13);
    int sequence = packet.getInt(TCP + 4);
    if ((flags & SYN) != 0) {
      received = sequence + 1;
      sent = 1000;
      sendSegment(packet, SYN | ACK, new byte[0]);
      sent++;
      return;
    }
    byte[] payload = Arrays.copyOfRange(frame, start, end);
    if (payload.length > 0) {
      if (sequence != received) {
        sendSegment(packet, ACK, new byte[0]);
        return;
      }
      received += payload.length;
      sendSegment(packet, ACK, payload);
      sent += payload.length;
    }
    if ((flags & FIN) != 0) {
      received++;
      sendSegment(packet, FIN | ACK, new byte[0]);
      sent++;
    }
  }

  private void sendSegment(ByteBuffer answered, int flags, byte[] payload) throws IOException {
    ByteBuffer segment =
        ByteBuffer.allocate(20 + payload.length)
            .putShort(answered.getShort(TCP + 2))
            .putShort(answered.getShort(TCP))
            .putInt(sent)
            .putInt(received)
            .putShort((short) (0x5000 | flags))
            .putShort((short) 0xffff)
            .putInt(0)
            .put(payload);
    send(self.tcp(Arrays.copyOfRange(frame, 6, 12), gateway, segment.array()));
  }

  /**
   * Ends.
   *
   * @throws java.util.concurrent.CompletionException if answering failed
   */
  @Override
  public void close() {
    closed = true;
    ended.join();
  }
}
