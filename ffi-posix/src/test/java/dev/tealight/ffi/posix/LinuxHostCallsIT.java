// SPDX-License-Identifier: ISC
package dev.tealight.ffi.posix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tealight.HostCallException;
import dev.tealight.HypervisorUnavailableException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The calls against a real kernel. */
class LinuxHostCallsIT {
  private static final int BAD = -1;
  private static final Ioctl SOME_REQUEST = LinuxIoctl.none("SOME_REQUEST", 0xAE, 0);

  private final Arena arena = Arena.ofConfined();
  private HostCalls host;

  @BeforeEach
  void openHost() {
    assumeTrue(
        System.getProperty("os.name").equals("Linux")
            && System.getProperty("os.arch").equals("amd64"),
        "needs Linux on amd64");
    host = HostCalls.system();
  }

  @AfterEach
  void closeArena() {
    arena.close();
  }

  @Test
  void callsOnABadDescriptorReturnTheNegatedErrno() {
    MemorySegment bytes = arena.allocate(8);
    assertThat(host.close(BAD)).isEqualTo(-LinuxErrno.EBADF);
    assertThat(host.ioctl(BAD, SOME_REQUEST.code(), 0)).isEqualTo(-LinuxErrno.EBADF);
    assertThat(host.ioctl(BAD, SOME_REQUEST.code(), bytes)).isEqualTo(-LinuxErrno.EBADF);
    assertThat(host.read(BAD, bytes)).isEqualTo(-LinuxErrno.EBADF);
    assertThat(host.write(BAD, bytes)).isEqualTo(-LinuxErrno.EBADF);
    assertThat(host.mmap(4096, LinuxAbi.PROT_READ, LinuxAbi.MAP_SHARED, BAD, 0))
        .isEqualTo(-LinuxErrno.EBADF);
  }

  @Test
  void aHotRequestTellsOnlyThatItFailedHoweverOftenItIsMade() {
    for (int i = 0; i <= LinuxHostCalls.HotSymbols.FIRST_CALLS; i++) {
      assertThat(host.hotIoctl(BAD, SOME_REQUEST.code(), 0)).isEqualTo(HostCalls.FAILED);
    }
  }

  @Test
  void methodsOnABadDescriptorThrowWithCallErrnoAndValues() {
    Descriptor bad = new Descriptor(host, BAD, "thing");
    MemorySegment bytes = arena.allocate(8);
    assertThatThrownBy(() -> bad.ioctl(SOME_REQUEST, 7))
        .isInstanceOf(HostCallException.class)
        .hasMessage("ioctl(SOME_REQUEST) failed: EBADF (9): argument=7 on thing");
    assertThatThrownBy(() -> bad.ioctl(SOME_REQUEST, bytes, "slot=1"))
        .hasMessage("ioctl(SOME_REQUEST) failed: EBADF (9): slot=1 on thing");
    assertThatThrownBy(() -> bad.ioctlDescriptor(SOME_REQUEST, 0))
        .hasMessage("ioctl(SOME_REQUEST) failed: EBADF (9): argument=0 on thing");
    assertThatThrownBy(() -> bad.read(bytes)).hasMessage("read failed: EBADF (9): thing");
    assertThatThrownBy(() -> bad.write(bytes)).hasMessage("write failed: EBADF (9): thing");
    assertThatThrownBy(() -> Mapping.shared(host, bad, 4096, arena))
        .hasMessage("mmap failed: EBADF (9): byteSize=4096 of thing");
    assertThatThrownBy(bad::close).hasMessage("close failed: EBADF (9): thing");
  }

  @Test
  void callsWithBadArgumentsReturnTheNegatedErrno() {
    MemorySegment none = MemorySegment.NULL;
    assertThat(host.open(arena.allocateFrom("/does/not/exist"), 0)).isEqualTo(-LinuxErrno.ENOENT);
    assertThat(host.munmap(1, 4096)).isEqualTo(-LinuxErrno.EINVAL);
    assertThat(host.madvise(1, 4096, LinuxAbi.MADV_DONTDUMP)).isEqualTo(-LinuxErrno.EINVAL);
    assertThat(host.ppoll(MemorySegment.ofAddress(8), 1, none)).isEqualTo(-LinuxErrno.EFAULT);
    assertThat(host.tgkill((int) host.gettid(), 1000)).isEqualTo(-LinuxErrno.EINVAL);
    assertThat(host.sigaction(1000, none, none)).isEqualTo(-LinuxErrno.EINVAL);
    assertThat(host.unblockSignals(MemorySegment.ofAddress(8))).isEqualTo(-LinuxErrno.EFAULT);
  }

  @Test
  void segmentsOnTheJavaHeapAreRefused() {
    MemorySegment heap = MemorySegment.ofArray(new byte[8]);
    assertThatThrownBy(() -> host.read(0, heap))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("the host cannot see a segment on the Java heap");
  }

  @Test
  void descriptorIsClosedOnce() {
    Descriptor event = Descriptor.event(host);
    event.close();
    event.close();
    assertThatThrownBy(() -> event.read(arena.allocate(8)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("eventfd is closed");
  }

  @Test
  void eventCounterCounts() {
    try (Descriptor event = Descriptor.event(host)) {
      MemorySegment number = arena.allocateFrom(ValueLayout.JAVA_LONG, 3);
      event.write(number);
      event.write(number);
      event.read(number);
      assertThat(number.get(ValueLayout.JAVA_LONG, 0)).isEqualTo(6);
      assertThatThrownBy(() -> event.read(number)).hasMessage("read failed: EAGAIN (11): eventfd");
    }
  }

  @Test
  void mappingsAreAlignedZeroAndGoneWithTheirArena() {
    long alignment = 2L << 20;
    MemorySegment mapping;
    try (Arena owner = Arena.ofShared()) {
      mapping = Mapping.anonymous(host, 12345 * 4096L, alignment, owner);
      assertThat(mapping.address() % alignment).isZero();
      assertThat(mapping.byteSize()).isEqualTo(12345 * 4096L);
      assertThat(mapping.get(ValueLayout.JAVA_LONG, mapping.byteSize() - 8)).isZero();
      mapping.set(ValueLayout.JAVA_LONG, mapping.byteSize() - 8, 1);
    }
    assertThatThrownBy(() -> mapping.get(ValueLayout.JAVA_BYTE, 0))
        .isInstanceOf(IllegalStateException.class);
    assertThat(host.madvise(mapping.address(), 4096, LinuxAbi.MADV_DONTDUMP)).isNegative();
  }

  @Test
  void kickSignalIsInstalledOnceAndDoesNothing() {
    KickSignal.install(host);
    KickSignal.install(host);
    KickSignal.unblock(host);
    assertThat(host.tgkill((int) host.gettid(), KickSignal.NUMBER)).isZero();
  }

  @Test
  void kickSignalThatSomebodyElseHandlesIsRefused() {
    MemorySegment before = arena.allocate(LinuxAbi.SIGACTION);
    MemorySegment other = arena.allocate(LinuxAbi.SIGACTION);
    // Never called, so that any address in this process will do.
    other.set(ValueLayout.JAVA_LONG, 0, host.idleHandler() + 1);
    host.sigaction(KickSignal.NUMBER, other, before);
    try {
      assertThatThrownBy(() -> KickSignal.install(host))
          .isInstanceOf(HypervisorUnavailableException.class)
          .hasMessage(
              "signal 42, which interrupts running guests, is already handled by code at 0x%x in"
                  + " this process: keep that library from using it",
              host.idleHandler() + 1);
    } finally {
      host.sigaction(KickSignal.NUMBER, before, MemorySegment.NULL);
    }
  }
}
