// SPDX-License-Identifier: ISC
package dev.tealight.device.net;

import java.nio.ByteBuffer;
import java.util.Arrays;

/** Frames of ARP, ICMP echo, UDP and TCP, as somebody on a network makes and reads them. */
final class Packets {
  private static final int HEADER = 14;
  private static final int IP = HEADER + 20;
  private static final byte[] EVERYBODY = {-1, -1, -1, -1, -1, -1};

  private final byte[] mac;
  private final byte[] address;

  /** A neighbour with an address. */
  Packets(int lastOfMac, int... address) {
    this.mac = new byte[] {2, 0, 0, 0, 1, (byte) lastOfMac};
    this.address = bytes(address);
  }

  static byte[] bytes(int... values) {
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < values.length; i++) {
      bytes[i] = (byte) values[i];
    }
    return bytes;
  }

  /** Asks who has an address. */
  byte[] arpRequest(int... wanted) {
    return ByteBuffer.allocate(60)
        .put(EVERYBODY)
        .put(mac)
        .putShort((short) 0x0806)
        .put(bytes(0, 1, 8, 0, 6, 4, 0, 1))
        .put(mac)
        .put(address)
        .put(new byte[6])
        .put(bytes(wanted))
        .array();
  }

  /** Tells who asks by a frame that this is who has the address. */
  byte[] arpReply(ByteBuffer request) {
    byte[] asking = new byte[10]; // the asker's two addresses
    request.get(22, asking);
    return ByteBuffer.allocate(60)
        .put(asking, 0, 6)
        .put(mac)
        .putShort((short) 0x0806)
        .put(bytes(0, 1, 8, 0, 6, 4, 0, 2))
        .put(mac)
        .put(address)
        .put(asking)
        .array();
  }

  /** The address of who has it, if the frame is the answer to {@link #arpRequest}. */
  static byte[] macOfReply(byte[] frame) {
    boolean reply = frame.length >= 42 && frame[12] == 8 && frame[13] == 6 && frame[21] == 2;
    return reply ? Arrays.copyOfRange(frame, 22, 28) : new byte[0];
  }

  private byte[] ip(byte[] to, int protocol, byte[] target, byte[] content) {
    byte[] bytes = new byte[IP + content.length];
    ByteBuffer frame = ByteBuffer.wrap(bytes);
    frame.put(to).put(mac).putShort((short) 0x0800);
    frame
        .putShort((short) 0x4500)
        .putShort((short) (20 + content.length))
        .putInt(0)
        .put((byte) 64)
        .put((byte) protocol)
        .putShort((short) 0)
        .put(address)
        .put(target);
    frame.putShort(24, checksum(bytes, HEADER, 20));
    frame.put(content);
    return bytes;
  }

  byte[] echoRequest(byte[] to, byte[] target, int sequence, int byteSize) {
    byte[] content = new byte[8 + byteSize];
    content[0] = 8;
    content[6] = (byte) (sequence >> 8);
    content[7] = (byte) sequence;
    for (int i = 8; i < content.length; i++) {
      content[i] = (byte) (i + sequence);
    }
    ByteBuffer.wrap(content).putShort(2, checksum(content, 0, content.length));
    return ip(to, 1, target, content);
  }

  /** Whether a frame is the right answer to an echo request. */
  static boolean isReply(byte[] request, byte[] frame) {
    return frame.length == request.length
        && frame[12] == 8
        && frame[13] == 0
        && frame[IP] == 0
        && checksum(frame, IP, frame.length - IP) == 0
        && Arrays.equals(frame, IP + 4, frame.length, request, IP + 4, request.length)
        && Arrays.equals(frame, 0, 6, request, 6, 12)
        && Arrays.equals(frame, 26, 30, request, 30, 34);
  }

  byte[] udp(byte[] to, byte[] target, byte[] payload) {
    return ip(
        to,
        17,
        target,
        ByteBuffer.allocate(8 + payload.length)
            .putShort((short) 4000)
            .putShort((short) 7)
            .putShort((short) (8 + payload.length))
            .putShort((short) 0)
            .put(payload)
            .array());
  }

  /** A segment, whose checksum is filled in. */
  byte[] tcp(byte[] to, byte[] target, byte[] segment) {
    byte[] summed =
        ByteBuffer.allocate(12 + segment.length)
            .put(address)
            .put(target)
            .putShort((short) 6)
            .putShort((short) segment.length)
            .put(segment)
            .array();
    ByteBuffer.wrap(segment).putShort(16, checksum(summed, 0, summed.length));
    return ip(to, 6, target, segment);
  }

  /** The payload of a UDP packet from port 7, or nothing. */
  static byte[] udpPayload(byte[] frame) {
    boolean udp = frame.length > IP + 8 && frame[12] == 8 && frame[13] == 0 && frame[23] == 17;
    return udp && frame[IP + 1] == 7
        ? Arrays.copyOfRange(frame, IP + 8, frame.length)
        : new byte[0];
  }

  private static short checksum(byte[] bytes, int offset, int length) {
    int sum = 0;
    for (int i = 0; i < length; i++) {
      int value = bytes[offset + i] & 0xff;
      sum += i % 2 == 0 ? value << 8 : value;
    }
    while (sum >>> 16 != 0) {
      sum = (sum & 0xffff) + (sum >>> 16);
    }
    return (short) ~sum;
  }
}
