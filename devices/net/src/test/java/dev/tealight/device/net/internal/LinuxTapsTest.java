// SPDX-License-Identifier: ISC
package dev.tealight.device.net.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tealight.ConfigurationException;
import dev.tealight.device.FrameLink;
import dev.tealight.ffi.posix.LinuxAbi;
import dev.tealight.ffi.posix.LinuxErrno;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * What is said of taps of Linux that cannot be used, whose kernel is played by {@link
 * LinuxTapKernel}: a real one, as {@code TapIT} has it, refuses root nothing.
 */
class LinuxTapsTest {
  private final LinuxTapKernel kernel = new LinuxTapKernel();
  private final LinuxTaps taps = new LinuxTaps(kernel.calls());
  private final Arena arena = Arena.ofConfined();
  private final MemorySegment memory = arena.allocate(FrameLink.MAX_FRAME_BYTE_SIZE);

  @AfterEach
  void everythingIsClosed() {
    arena.close();
    assertThat(kernel.openDescriptors()).isEmpty();
  }

  private void refused(String why) {
    assertThatThrownBy(() -> taps.named("tap0")).isInstanceOf(IOException.class).hasMessage(why);
    assertThat(kernel.offloads).as("requests to an interface that may be another's").isZero();
  }

  @Test
  void tapIsAttachedToWithoutHeadersAndTakesSingleFrames() throws IOException {
    kernel.mtu = 9000;
    try (FrameLink link = taps.named("tap0")) {
      assertThat(kernel.opened).containsExactly("/dev/net/tun");
      assertThat(kernel.flags).isEqualTo(LinuxAbi.IFF_TAP | LinuxAbi.IFF_NO_PI);
      assertThat(kernel.offloads).isEqualTo(2);
      assertThat(link.mtu()).isEqualTo(9000);
    }
  }

  @Test
  void userWhoMayNotSwitchOffloadsAttachesAllTheSame() throws IOException {
    kernel.offloadFailure = LinuxErrno.EPERM;
    taps.named("tap0").close();
  }

  @Test
  void interfaceThatIsNotThereOrDownIsNotMadeNorAttachedTo() {
    kernel.present = false;
    refused(
        "there is no network interface tap0: make it with ip tuntap add dev tap0 mode tap && ip"
            + " link set tap0 up");
    kernel.present = true;
    kernel.up = false;
    refused("network interface tap0 is down: ip link set tap0 up");
    assertThat(kernel.opened).isEmpty();
  }

  @Test
  void deviceThatCannotBeOpenedSaysWhatToDo() {
    for (int errno : List.of(LinuxErrno.EACCES, LinuxErrno.EPERM)) {
      kernel.openFailure = errno;
      refused(
          "tap tap0: open failed: %s (%d): /dev/net/tun: chmod 666 /dev/net/tun lets users open the taps that are theirs"
              .formatted(LinuxErrno.name(errno), errno));
    }
    for (int errno : List.of(LinuxErrno.ENOENT, LinuxErrno.ENODEV)) {
      kernel.openFailure = errno;
      refused(
          "tap tap0: open failed: %s (%d): /dev/net/tun: load the module with modprobe tun"
              .formatted(LinuxErrno.name(errno), errno));
    }
    kernel.openFailure = LinuxErrno.ESRCH;
    refused("tap tap0: open failed: ESRCH (3): /dev/net/tun");
  }

  @Test
  void interfaceThatCannotBeAttachedToSaysWhatToDo() {
    kernel.attachFailure = LinuxErrno.EBUSY;
    refused("network interface tap0 is in use by another program or guest");
    for (int errno : List.of(LinuxErrno.EACCES, LinuxErrno.EPERM)) {
      kernel.attachFailure = errno;
      refused(
          "network interface tap0 belongs to another user: make it with ip tuntap add dev tap0 mode"
              + " tap user USER");
    }
    kernel.attachFailure = LinuxErrno.EINVAL;
    refused(
        "network interface tap0 is no tap, or one with several queues: make one with ip tuntap add"
            + " dev NAME mode tap");
    kernel.attachFailure = LinuxErrno.ESRCH;
    assertThatThrownBy(() -> taps.named("tap0"))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith("ioctl(TUNSETIFF) failed: ESRCH (3): tap0");
    assertThatThrownBy(() -> taps.named("a/b")).isInstanceOf(ConfigurationException.class);
  }

  @Test
  void openDescriptorIsUsedAndLeftOpen() throws IOException {
    int number = kernel.openTap();
    kernel.mtu = 9000;
    try (FrameLink link = taps.descriptor(number)) {
      assertThat(link.mtu()).isEqualTo(9000);
      assertThat(kernel.nonBlocking).isTrue();
      link.send(memory, 0, 60);
      assertThat(kernel.written).hasSize(1);
    }
    kernel.elsewhere = true;
    try (FrameLink link = taps.descriptor(number)) {
      assertThat(link.mtu()).as("of an interface that cannot be asked").isEqualTo(1500);
    }
    assertThat(kernel.openDescriptors()).containsExactly(number);
    kernel.close(number);
  }

  @Test
  void descriptorOfNoPlainTapIsRefused() {
    int number = kernel.openTap();
    for (int flags :
        new int[] {
          LinuxAbi.IFF_NO_PI, // a tun
          LinuxAbi.IFF_TAP,
          LinuxAbi.IFF_TAP | LinuxAbi.IFF_NO_PI | LinuxAbi.IFF_VNET_HDR
        }) {
      kernel.flags = flags;
      assertThatThrownBy(() -> taps.descriptor(number))
          .isInstanceOf(IOException.class)
          .hasMessage(
              "descriptor %d of interface tap0 has the flags 0x%x: open it with IFF_TAP and"
                  + " IFF_NO_PI, without IFF_VNET_HDR",
              number, flags);
    }
    kernel.close(number);
    assertThatThrownBy(() -> taps.descriptor(0))
        .isInstanceOf(IOException.class)
        .hasMessage(
            "descriptor 0 is no tap (ENOTTY): attach it to one with TUNSETIFF before you pass it");
  }

  @Test
  void framesWithoutRoomAreLostAndFailuresSaySo() throws IOException {
    try (FrameLink link = taps.named("tap0")) {
      kernel.writeFailure = LinuxErrno.EAGAIN;
      link.send(memory, 0, 60);
      kernel.writeFailure = LinuxErrno.EBADFD;
      assertThatThrownBy(() -> link.send(memory, 0, 60))
          .isInstanceOf(IOException.class)
          .hasMessage("write failed: EBADFD (77): tap0: the interface was removed");
      kernel.writeFailure = 0;
      kernel.up = false;
      assertThatThrownBy(() -> link.send(memory, 0, 60))
          .isInstanceOf(IOException.class)
          .hasMessage("write failed: EIO (5): tap0: the interface is down: ip link set tap0 up");
      kernel.readFailure = LinuxErrno.EBADFD;
      assertThatThrownBy(() -> link.receive(memory, 0, 60))
          .isInstanceOf(IOException.class)
          .hasMessage("read failed: EBADFD (77): tap0: the interface was removed");
      assertThat(kernel.written).isEmpty();
    }
  }
}
