// SPDX-License-Identifier: ISC
package dev.tealight.device.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.tealight.DeviceException;
import dev.tealight.testkit.DeviceHarness;
import dev.tealight.testkit.QueueLink;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Recordings of what a guest sends and receives. */
class CaptureTest {
  private static final int NET_WRITE = 6;
  private static final int NET_READ = 7;
  private static final long BLOCK = 0x1000;
  private static final long BUFFER = 0x10000;
  private static final int[] SIZES = {14, 60, 61, 62, 63, 1514, 65535};

  @TempDir Path folder;

  private Path record(String name) {
    Path file = folder.resolve(name);
    QueueLink link = new QueueLink();
    try (DeviceHarness guest =
        DeviceHarness.of("NET_BASIC", NetConfig.of(mac -> link).capture(file))) {
      for (int size : SIZES) {
        call(guest, NET_WRITE, size);
        link.arrive(new byte[size]);
        call(guest, NET_READ, 1 << 16);
      }
    }
    return file;
  }

  private static void call(DeviceHarness guest, int nr, long length) {
    guest.memory().writeLong(BLOCK, DeviceHarness.HANDLE);
    guest.memory().writeLong(BLOCK + 8, BUFFER);
    guest.memory().writeLong(BLOCK + 16, length);
    guest.hypercall(nr, BLOCK);
    assertThat(guest.memory().readInt(BLOCK + 24)).isZero();
  }

  @Test
  void pcapHasAHeaderAndARecordForEachFrame() throws IOException {
    ByteBuffer file =
        ByteBuffer.wrap(Files.readAllBytes(record("web.pcap"))).order(ByteOrder.LITTLE_ENDIAN);
    assertThat(file.getInt(0)).isEqualTo(0xa1b23c4d);
    assertThat(file.getInt(20)).as("Ethernet").isEqualTo(1);
    file.position(24);
    for (int size : SIZES) {
      for (int i = 0; i < 2; i++) {
        assertThat(file.getInt(file.position() + 8)).isEqualTo(size);
        assertThat(file.getInt(file.position() + 12)).isEqualTo(size);
        file.position(file.position() + 16 + size);
      }
    }
    assertThat(file.hasRemaining()).isFalse();
  }

  @Test
  void pcapngHasBlocksWithTheDirectionOfEachFrame() throws IOException {
    ByteBuffer file =
        ByteBuffer.wrap(Files.readAllBytes(record("web.pcapng"))).order(ByteOrder.LITTLE_ENDIAN);
    assertThat(block(file)).isEqualTo(0x0a0d0d0a);
    assertThat(block(file)).isEqualTo(1);
    for (int size : SIZES) {
      for (int direction : new int[] {2, 1}) {
        int start = file.position();
        assertThat(file.getInt(start + 20)).isEqualTo(size);
        assertThat(block(file)).isEqualTo(6);
        assertThat(file.getInt(file.position() - 12)).as("direction").isEqualTo(direction);
      }
    }
    assertThat(file.hasRemaining()).isFalse();
  }

  /** Steps over a block, whose length is in front and behind. */
  private static int block(ByteBuffer file) {
    int start = file.position();
    int length = file.getInt(start + 4);
    assertThat(length % 4).isZero();
    assertThat(file.getInt(start + length - 4)).isEqualTo(length);
    file.position(start + length);
    return file.getInt(start);
  }

  @ParameterizedTest
  @ValueSource(strings = {"web.pcap", "web.pcapng"})
  void tsharkReadsIt(String name) throws Exception {
    Process tshark;
    try {
      tshark =
          new ProcessBuilder(
                  "tshark", "-r", record(name).toString(), "-T", "fields", "-e", "frame.len")
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
    } catch (IOException e) {
      abort("tshark is not installed");
      return;
    }
    String said = new String(tshark.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(tshark.waitFor()).isZero();
    List<Integer> lengths = said.lines().map(Integer::valueOf).toList();
    assertThat(lengths).hasSize(2 * SIZES.length);
    for (int i = 0; i < lengths.size(); i++) {
      assertThat(lengths.get(i)).isEqualTo(SIZES[i / 2]);
    }
  }

  @Test
  void fileThatCannotBeMadeIsRefusedAndTheLinkClosed() {
    QueueLink link = new QueueLink();
    NetConfig config = NetConfig.of(mac -> link).capture(folder.resolve("missing/web.pcap"));
    assertThatThrownBy(() -> config.create("service0"))
        .isInstanceOf(DeviceException.class)
        .hasMessageStartingWith("device service0: frames cannot be recorded in ");
    assertThat(link.isClosed()).isTrue();
  }
}
