// SPDX-License-Identifier: ISC
package dev.tealight.device.net.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tealight.ConfigurationException;
import dev.tealight.device.FrameLink;
import dev.tealight.ffi.posix.FreeBsdErrno;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Taps of FreeBSD, whose kernel is played by {@link FreeBsdTapKernel}. */
class FreeBsdTapsTest {
  private final FreeBsdTapKernel kernel = new FreeBsdTapKernel();
  private final FreeBsdTaps taps = new FreeBsdTaps(kernel.calls());
  private final Arena arena = Arena.ofConfined();
  private final MemorySegment memory = arena.allocate(FrameLink.MAX_FRAME_BYTE_SIZE);

  @AfterEach
  void everythingIsClosed() {
    arena.close();
    assertThat(kernel.openDescriptors()).isEmpty();
  }

  private void refused(String why) {
    assertThatThrownBy(() -> taps.named("tap0")).isInstanceOf(IOException.class).hasMessage(why);
  }

  @Test
  void framesGoStraightToAndFromTheDevice() throws IOException {
    kernel.mtu = 9000;
    try (FrameLink link = taps.named("tap0")) {
      assertThat(kernel.opened).containsExactly("/dev/tap0");
      assertThat(link.mtu()).isEqualTo(9000);
      memory.set(ValueLayout.JAVA_BYTE, 100, (byte) 7);
      link.send(memory, 100, 60);
      assertThat(kernel.written.getFirst()).hasSize(60).startsWith(7);
      assertThat(link.receive(memory, 0, 2048)).isZero();
      kernel.arriving.add(new byte[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15});
      assertThat(link.readiness().isReady()).isTrue();
      assertThat(link.receive(memory, 10, 2048)).isEqualTo(15);
      assertThat(memory.get(ValueLayout.JAVA_BYTE, 24)).isEqualTo((byte) 15);
      assertThat(link.readiness().isReady()).isFalse();
    }
  }

  @Test
  void inputThatAWaiterFoundIsNotAskedForAgain() throws IOException {
    try (FrameLink link = taps.named("tap0")) {
      link.readiness().polled();
      assertThat(link.readiness().isReady()).isTrue();
      assertThat(kernel.polls).isZero();
      link.readiness().polled();
      assertThat(link.receive(memory, 0, 2048)).isZero();
      assertThat(link.readiness().isReady()).isFalse();
      assertThat(kernel.polls).isEqualTo(1);
    }
  }

  @Test
  void interfaceThatIsNotThereIsNotMade() {
    kernel.present = false;
    refused("there is no network interface tap0: make it with ifconfig tap0 create up");
    assertThat(kernel.opened).isEmpty();
  }

  @Test
  void interfaceThatIsDownIsRefusedUnlessOpeningRaisesIt() throws IOException {
    kernel.up = false;
    refused(
        "network interface tap0 is down: ifconfig tap0 up, or sysctl net.link.tap.up_on_open=1 for"
            + " all");
    kernel.upOnOpen = true;
    taps.named("tap0").close();
  }

  @Test
  void deviceThatCannotBeOpenedSaysWhatToDo() {
    kernel.openFailure = FreeBsdErrno.EBUSY;
    refused("network interface tap0 is in use by another program or guest");
    kernel.openFailure = FreeBsdErrno.EACCES;
    refused(
        "network interface tap0 belongs to another user: sysctl net.link.tap.user_open=1 && chown"
            + " USER /dev/tap0");
    kernel.openFailure = FreeBsdErrno.ENOENT;
    refused("network interface tap0 is no tap: make one with ifconfig tap create");
    kernel.openFailure = FreeBsdErrno.ENOMEM;
    assertThatThrownBy(() -> taps.named("tap0"))
        .isInstanceOf(IOException.class)
        .hasMessageContainingAll("open", "ENOMEM", "/dev/tap0");
  }

  @Test
  void whatIsNoPlainTapIsRefused() {
    kernel.type = 0x17; // a tun
    refused("network interface tap0 is no tap: make one with ifconfig tap create");
    kernel.type = 6;
    kernel.headerByteSize = 12;
    refused(
        "network interface tap0 has headers of 12 bytes in front of its frames: set TAPSVNETHDR to"
            + " 0");
    assertThatThrownBy(() -> taps.named("a/b")).isInstanceOf(ConfigurationException.class);
  }

  @Test
  void hostWithoutSuchHeadersIsServed() throws IOException {
    kernel.headerByteSize = -1;
    taps.named("tap0").close();
  }

  @Test
  void openDescriptorIsUsedAndLeftOpen() throws IOException {
    int number = kernel.openTap();
    try (FrameLink link = taps.descriptor(number)) {
      assertThat(link.mtu()).isEqualTo(1500);
      assertThat(kernel.nonBlocking).isTrue();
      link.send(memory, 0, 60);
      assertThat(kernel.written).hasSize(1);
    }
    assertThat(kernel.openDescriptors()).containsExactly(number);
    kernel.close(number);
    assertThatThrownBy(() -> taps.descriptor(0))
        .isInstanceOf(IOException.class)
        .hasMessage("descriptor 0 is no tap (ENOTTY): open /dev/tapN before you pass it");
  }

  @Test
  void framesWithoutRoomAreLostAndFailuresSaySo() throws IOException {
    try (FrameLink link = taps.named("tap0")) {
      kernel.writeFailure = FreeBsdErrno.ENOBUFS;
      link.send(memory, 0, 60);
      kernel.writeFailure = FreeBsdErrno.EIO;
      assertThatThrownBy(() -> link.send(memory, 0, 65535))
          .isInstanceOf(IOException.class)
          .hasMessage(
              "write failed: EIO (5): tap0: taps of FreeBSD take frames of at most 16384 bytes");
      kernel.writeFailure = 0;
      kernel.up = false;
      assertThatThrownBy(() -> link.send(memory, 0, 60))
          .isInstanceOf(IOException.class)
          .hasMessageStartingWith("network interface tap0 is down: ifconfig tap0 up");
      kernel.readFailure = FreeBsdErrno.EHOSTDOWN;
      assertThatThrownBy(() -> link.receive(memory, 0, 60))
          .isInstanceOf(IOException.class)
          .hasMessage("read failed: EHOSTDOWN (64): tap0: the interface was removed");
      assertThat(kernel.written).isEmpty();
    }
  }
}
