// SPDX-License-Identifier: ISC
package dev.tealight.device.net.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tealight.device.FrameLink;
import dev.tealight.device.MacAddress;
import dev.tealight.device.net.StreamSocket;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Frames over a socket, against a program at its other end that may be hostile. */
class StreamLinkIT {
  private static final MacAddress MAC = MacAddress.parse("02:0:0:0:0:1");

  private final Arena arena = Arena.ofShared();
  private final MemorySegment memory = arena.allocate(FrameLink.MAX_FRAME_BYTE_SIZE);
  private Path folder;
  private ServerSocketChannel server;
  private SocketChannel peer;
  private FrameLink link;

  @BeforeEach
  void connect() throws IOException {
    assumeTrue(
        System.getProperty("os.name").equals("Linux")
            && System.getProperty("os.arch").equals("amd64"),
        "needs Linux on amd64");
    folder = Files.createTempDirectory("net"); // short enough for a socket's name
    Path socket = folder.resolve("s");
    server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    server.bind(UnixDomainSocketAddress.of(socket));
    link = StreamSocket.at(socket).open(MAC);
    peer = server.accept();
  }

  @AfterEach
  void close() throws IOException {
    arena.close();
    if (server != null) {
      link.close();
      peer.close();
      server.close();
      Files.delete(folder.resolve("s"));
      Files.delete(folder);
    }
  }

  private void fromPeer(ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      peer.write(bytes);
    }
  }

  private static ByteBuffer record(int length, int content) {
    ByteBuffer record = ByteBuffer.allocate(4 + length).putInt(length);
    while (record.hasRemaining()) {
      record.put((byte) content);
    }
    return record.flip();
  }

  private int receive() throws IOException {
    return link.receive(memory, 0, FrameLink.MAX_FRAME_BYTE_SIZE);
  }

  @Test
  void frameGoesWithItsLengthInFront() throws IOException {
    memory.asSlice(0, 60).fill((byte) 7);
    link.send(memory, 0, 60);
    ByteBuffer got = ByteBuffer.allocate(100);
    assertThat(peer.read(got)).isEqualTo(64);
    assertThat(got.flip()).isEqualTo(record(60, 7));
  }

  @Test
  void frameIsReadyOnlyWhenAllOfItIsThere() throws IOException {
    ByteBuffer record = record(1514, 9);
    for (int size : new int[] {1, 2, 1, 1000, 513}) {
      fromPeer(record.duplicate().limit(record.position() + size));
      record.position(record.position() + size);
      assertThat(link.readiness().isReady()).isFalse();
      assertThat(receive()).isZero();
    }
    fromPeer(record);
    assertThat(link.readiness().isReady()).isTrue();
    assertThat(receive()).isEqualTo(1514);
    assertThat(memory.get(ValueLayout.JAVA_BYTE, 1513)).isEqualTo((byte) 9);
    assertThat(link.readiness().isReady()).isFalse();
  }

  @Test
  void framesThatComeTogetherAreTakenOneByOne() throws IOException {
    SplittableRandom random = new SplittableRandom(1);
    ByteBuffer all = ByteBuffer.allocate(1 << 17);
    int[] sizes = new int[40];
    for (int i = 0; i < sizes.length; i++) {
      sizes[i] = 14 + random.nextInt(3000);
      all.put(record(sizes[i], i));
    }
    fromPeer(all.flip());
    for (int i = 0; i < sizes.length; i++) {
      assertThat(link.readiness().isReady()).isTrue();
      assertThat(receive()).isEqualTo(sizes[i]);
      assertThat(memory.get(ValueLayout.JAVA_BYTE, sizes[i] - 1L)).isEqualTo((byte) i);
    }
    assertThat(link.readiness().isReady()).isFalse();
  }

  @Test
  void largestFramesPassAndShortOnesAreLeftOut() throws IOException {
    for (int i = 0; i < 5; i++) {
      fromPeer(record(13, 1));
      fromPeer(record(0, 1));
      fromPeer(record(65535, i));
      assertThat(receive()).isEqualTo(65535);
      assertThat(memory.get(ValueLayout.JAVA_BYTE, 65534)).isEqualTo((byte) i);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 65536, Integer.MIN_VALUE})
  void lengthThatCannotBeBreaksTheLink(int length) throws IOException {
    fromPeer(ByteBuffer.allocate(4).putInt(length).flip());
    assertThat(link.readiness().isReady()).isFalse();
    assertThatThrownBy(this::receive)
        .isInstanceOf(IOException.class)
        .hasMessageEndingWith("a length of 0x%x is in front of a frame", length);
  }

  @Test
  void peerThatReadsNothingCostsFramesButNoTimeWithoutEnd() throws IOException {
    for (int i = 0; i < 100; i++) {
      link.send(memory, 0, 65535);
    }
    // What did come is whole.
    peer.configureBlocking(false);
    ByteBuffer all = ByteBuffer.allocate(1 << 24);
    long idle = 0;
    while (idle < 3) {
      boolean _ = link.readiness().isReady(); // sends the rest of a frame
      idle = peer.read(all) > 0 ? 0 : idle + 1;
    }
    assertThat(all.position() % (4 + 65535)).isZero();
    assertThat(all.position()).isPositive();
  }

  @Test
  void peerThatHasGoneIsAFailure() throws IOException {
    peer.close();
    assertThat(link.readiness().isReady()).isFalse();
    assertThatThrownBy(this::receive)
        .isInstanceOf(IOException.class)
        .hasMessageEndingWith("the program at the other end has gone");
    assertThatThrownBy(() -> link.send(memory, 0, 60)).isInstanceOf(IOException.class);
  }

  @Test
  void nobodyThereSaysSo() {
    assertThatThrownBy(() -> StreamSocket.at(folder.resolve("nobody")).open(MAC))
        .isInstanceOf(IOException.class)
        .hasMessage(
            "socket %s: connect failed: ENOENT (2): is the program started that listens there?",
            folder.resolve("nobody"));
    assertThatThrownBy(() -> StreamSocket.at(Path.of("/x".repeat(54))).open(MAC))
        .isInstanceOf(IOException.class)
        .hasMessageEndingWith("a path of 108 bytes is too long for a socket, give at most 107");
  }
}
