// SPDX-License-Identifier: ISC
package dev.tealight.ffi.posix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * How the C library's functions are called. Other systems on amd64 have most of them with the same
 * arguments, so that this needs no FreeBSD.
 */
class FreeBsdHostCallsIT {
  private static final int BAD = -1;
  private static final int ENOENT = 2;
  private static final int EBADF = 9;
  private static final int EINVAL = 22;
  private static final int SOME_REQUEST = 0x20007605;

  private final Arena arena = Arena.ofConfined();
  private final HostCalls host = new FreeBsdHostCalls();

  @BeforeEach
  void checkHost() {
    String os = System.getProperty("os.name");
    assumeTrue(
        (os.equals("Linux") || os.equals("FreeBSD"))
            && System.getProperty("os.arch").equals("amd64"),
        "needs FreeBSD or Linux on amd64");
  }

  @AfterEach
  void closeArena() {
    arena.close();
  }

  @Test
  void callsOnABadDescriptorReturnTheNegatedErrno() {
    MemorySegment buffer = arena.allocate(8);
    assertThat(host.close(BAD)).isEqualTo(-EBADF);
    assertThat(host.ioctl(BAD, SOME_REQUEST, 0)).isEqualTo(-EBADF);
    assertThat(host.ioctl(BAD, SOME_REQUEST, buffer)).isEqualTo(-EBADF);
    assertThat(host.hotIoctl(BAD, SOME_REQUEST, 0)).isEqualTo(HostCalls.FAILED);
    assertThat(host.read(BAD, buffer)).isEqualTo(-EBADF);
    assertThat(host.write(BAD, buffer)).isEqualTo(-EBADF);
    assertThat(host.read(BAD, buffer, 1, 7)).isEqualTo(-EBADF);
    assertThat(host.write(BAD, buffer, 1, 7)).isEqualTo(-EBADF);
    assertThat(host.mmap(4096, LinuxAbi.PROT_READ, LinuxAbi.MAP_SHARED, BAD, 0)).isEqualTo(-EBADF);
    assertThat(host.munmap(1, 4096)).isEqualTo(-EINVAL);
    assertThat(host.open(arena.allocateFrom("/no/such/file"), 0)).isEqualTo(-ENOENT);
  }

  @Test
  void fileIsOpenedReadMappedAndClosed(@TempDir Path folder) throws Exception {
    Path file = Files.write(folder.resolve("file"), new byte[4096]);
    Files.write(file, new byte[] {1, 2, 3, 4, 5, 6, 7, 8});
    int descriptor = (int) host.open(arena.allocateFrom(file.toString()), FreeBsdAbi.O_RDWR);
    assertThat(descriptor).isPositive();
    MemorySegment buffer = arena.allocate(16);
    assertThat(host.read(descriptor, buffer)).isEqualTo(8);
    assertThat(buffer.get(ValueLayout.JAVA_BYTE, 7)).isEqualTo((byte) 8);
    assertThat(host.write(descriptor, buffer, 0, 12)).isEqualTo(12);
    assertThat(host.write(descriptor, buffer, 12, 4)).isEqualTo(4);
    assertThatThrownBy(() -> host.write(descriptor, buffer, 12, 5))
        .isInstanceOf(IndexOutOfBoundsException.class);
    long address = host.mmap(4096, LinuxAbi.PROT_READ, LinuxAbi.MAP_SHARED, descriptor, 0);
    assertThat(address).isPositive();
    assertThat(host.munmap(address, 4096)).isZero();
    assertThat(host.close(descriptor)).isZero();
    assertThat(Files.size(file)).isEqualTo(24);
  }

  @Test
  void pollOfNothingEndsWithItsTimeout() {
    MemorySegment timeout = arena.allocate(LinuxAbi.TIMESPEC);
    timeout.set(ValueLayout.JAVA_LONG, 8, 1000);
    assertThat(host.ppoll(arena.allocate(LinuxAbi.POLLFD), 0, timeout)).isZero();
  }

  @Test
  void processHasItsNumber() {
    assertThat(host.getpid()).isEqualTo(ProcessHandle.current().pid());
  }

  @Test
  void whatFreeBsdDoesNotHaveFails() {
    assertThat(host.gettid()).isEqualTo(-FreeBsdErrno.ENOSYS);
    assertThat(host.tgkill(1, 1)).isEqualTo(-FreeBsdErrno.ENOSYS);
    assertThat(host.setTimerSlack(1)).isEqualTo(-FreeBsdErrno.ENOSYS);
    assertThat(host.errnoName(-(int) host.confine(MemorySegment.NULL))).isEqualTo("ENOSYS");
  }
}
