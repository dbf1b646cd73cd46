// SPDX-License-Identifier: ISC
package dev.tealight.solo5;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.tealight.GuestAccessException;
import dev.tealight.GuestMemory;
import dev.tealight.device.FrameTransfer;
import dev.tealight.spi.BootContext.AttachedDevice;
import dev.tealight.spi.BootImage.DeclaredDevice;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

/** The ring in the hands of a guest that can write anything to it. */
class NetRingTest {
  private static final long RING = 0x10000;
  private static final int MEMORY = 0x20000;

  private final GuestMemory memory = GuestMemory.over(MemorySegment.ofArray(new long[MEMORY / 8]));
  private final FakeFrames device = new FakeFrames();
  private final NetRing ring = ring(1);
  private int tail;

  private NetRing ring(int handle) {
    return new NetRing(
        memory.unrestricted(),
        RING,
        List.of(
            new AttachedDevice(
                new DeclaredDevice("net", "NET_BASIC", handle),
                MemorySegment.ofArray(new byte[16]),
                List.of(),
                Optional.of(device))));
  }

  private int word(long offset) {
    return memory.readInt(RING + offset);
  }

  private void word(long offset, int value) {
    memory.writeInt(RING + offset, value);
  }

  private void fill(int index, int operation, int handle, long gpa, int length, int id) {
    long entry =
        NetRing.SUBMISSIONS
            + (long) (index & (NetRing.ENTRY_COUNT - 1)) * NetRing.SUBMISSION_BYTE_SIZE;
    word(entry + NetRing.OPERATION, operation);
    word(entry + NetRing.HANDLE, handle);
    memory.writeLong(RING + entry + NetRing.BUFFER, gpa);
    word(entry + NetRing.LENGTH, length);
    word(entry + NetRing.ID, id);
  }

  private void submit(int operation, int handle, long gpa, int length) {
    fill(tail, operation, handle, gpa, length, 1000 + tail);
    word(NetRing.SUBMISSION_TAIL, ++tail);
  }

  /** Returns id, result and length of a completion. */
  private int[] completion(int index) {
    long entry = NetRing.COMPLETIONS + (long) index * NetRing.COMPLETION_BYTE_SIZE;
    return new int[] {
      word(entry + NetRing.COMPLETED_ID),
      word(entry + NetRing.RESULT),
      word(entry + NetRing.RECEIVED)
    };
  }

  @Test
  void writesAreSentInOrderAndNotCompleted() {
    submit(NetRing.WRITE, 1, 0x1000, 60);
    submit(NetRing.WRITE, 1, 0x2000, 61);
    assertThat(ring.isPending()).isTrue();
    assertThat(ring.serve()).isFalse();
    assertThat(ring.isPending()).isFalse();
    assertThat(device.requests).containsExactly("send 0x1000 60", "send 0x2000 61");
    assertThat(word(NetRing.SUBMISSION_HEAD)).isEqualTo(2);
    assertThat(word(NetRing.COMPLETION_TAIL)).isZero();
  }

  @Test
  void readIsCompletedWithItsIdAndLength() {
    submit(NetRing.READ, 1, 0x1000, 2048);
    assertThat(ring.serve()).isFalse();
    assertThat(device.requests).containsExactly("receive 0x1000 2048");
    assertThat(completion(0)).containsExactly(1000, FrameTransfer.OK, 60);
    assertThat(word(NetRing.COMPLETION_TAIL)).isEqualTo(1);
    assertThat(word(NetRing.SUBMISSION_HEAD)).isEqualTo(1);
  }

  @Test
  void readWithoutAFrameOrOfAFailingHostIsCompletedWithTheReason() {
    for (int reason : new int[] {FrameTransfer.AGAIN, FrameTransfer.EUNSPEC}) {
      device.received = -reason;
      submit(NetRing.READ, 1, 0x1000, 2048);
      assertThat(ring.serve()).isFalse();
      assertThat(completion(tail - 1)).containsExactly(1000 + tail - 1, reason, 0);
    }
  }

  @Test
  void readOfNoDeviceIsInvalidAndWriteToNoneIsDropped() {
    int[] handles = {0, 2, 63, 64, -1, Integer.MIN_VALUE};
    for (int handle : handles) {
      submit(NetRing.WRITE, handle, 0x1000, 60);
      submit(NetRing.READ, handle, 0x1000, 60);
    }
    assertThat(ring.serve()).isFalse();
    assertThat(device.requests).isEmpty();
    assertThat(word(NetRing.COMPLETION_TAIL)).isEqualTo(handles.length);
    assertThat(completion(3)).containsExactly(1007, FrameTransfer.EINVAL, 0);
  }

  @Test
  void unknownOperationIsConsumedWithoutAWord() {
    for (int operation : new int[] {0, 3, -1, Integer.MIN_VALUE}) {
      submit(operation, 1, -1, -1);
    }
    assertThat(ring.serve()).isFalse();
    assertThat(device.requests).isEmpty();
    assertThat(word(NetRing.SUBMISSION_HEAD)).isEqualTo(4);
    assertThat(word(NetRing.COMPLETION_TAIL)).isZero();
  }

  @Test
  void lengthIsUnsigned() {
    submit(NetRing.WRITE, 1, 0x1000, -1);
    assertThat(ring.serve()).isFalse();
    assertThat(device.requests).containsExactly("send 0x1000 4294967295");
  }

  @Test
  void fullRingIsServedInParts() {
    for (int i = 0; i < NetRing.ENTRY_COUNT; i++) {
      submit(NetRing.WRITE, 1, i, 60);
    }
    int parts = 1;
    while (ring.serve()) {
      assertThat(word(NetRing.SUBMISSION_HEAD)).isEqualTo(parts++ * NetRing.BATCH);
    }
    assertThat(parts).isEqualTo(NetRing.ENTRY_COUNT / NetRing.BATCH);
    assertThat(device.requests).hasSize(NetRing.ENTRY_COUNT);
  }

  @Test
  void indicesCountOnPastTheEndOfTheRing() {
    for (int i = 0; i < 3 * NetRing.ENTRY_COUNT; i++) {
      submit(NetRing.READ, 1, i, 60);
      assertThat(ring.serve()).isFalse();
      assertThat(completion(i % NetRing.ENTRY_COUNT)[0]).isEqualTo(1000 + i);
      word(NetRing.COMPLETION_HEAD, tail);
    }
    assertThat(device.requests.getLast()).isEqualTo("receive 0xbff 60");
  }

  @Test
  void completionThatFindsNoRoomIsABreach() {
    for (int i = 0; i < NetRing.ENTRY_COUNT; i++) {
      submit(NetRing.READ, 1, 0x1000, 60);
    }
    while (ring.serve()) {}
    submit(NetRing.READ, 1, 0x1000, 60);
    assertThatExceptionOfType(GuestAccessException.class)
        .isThrownBy(ring::serve)
        .withMessage("completion head 0x0 leaves no room for completion 0x400 of 1024");
    assertThat(word(NetRing.COMPLETION_TAIL)).isEqualTo(NetRing.ENTRY_COUNT);
  }

  @Test
  void whatWasServedBeforeABreachIsNotServedAgain() {
    device.memory = memory;
    submit(NetRing.WRITE, 1, 0x1000, 60);
    submit(NetRing.WRITE, 1, MEMORY, 60);
    for (int i = 0; i < 2; i++) {
      assertThatExceptionOfType(GuestAccessException.class).isThrownBy(ring::serve);
    }
    assertThat(device.requests)
        .containsExactly("send 0x1000 60", "send 0x20000 60", "send 0x20000 60");
  }

  @Test
  void guestIsToldWhetherToRing() {
    ring.wantDoorbell(true);
    assertThat(word(NetRing.NEEDS_KICK)).isEqualTo(1);
    ring.wantDoorbell(false);
    assertThat(word(NetRing.NEEDS_KICK)).isZero();
  }

  private void clear() {
    memory.unrestricted().fill((byte) 0);
  }

  @Property
  void tailThatIsNotWithinTheRingIsABreach(@ForAll int jump) {
    clear();
    NetRing ring = ring(1);
    boolean possible = jump >= 0 && jump <= NetRing.ENTRY_COUNT;
    word(NetRing.SUBMISSION_TAIL, jump);
    if (possible) {
      for (int i = 0; i <= jump / NetRing.BATCH; i++) {
        boolean _ = ring.serve();
      }
      assertThat(word(NetRing.SUBMISSION_HEAD)).isEqualTo(jump);
    } else {
      assertThatExceptionOfType(GuestAccessException.class).isThrownBy(ring::serve);
      assertThat(word(NetRing.SUBMISSION_HEAD)).isZero();
    }
    assertThat(device.requests).isEmpty();
  }

  /** A step of a guest: an entry as it should be or not, or a word of the ring overwritten. */
  record Step(int kind, int offset, int operation, int handle, long gpa, int length) {}

  @Provide
  Arbitrary<List<Step>> steps() {
    return Combinators.combine(
            Arbitraries.integers().between(0, 9),
            Arbitraries.integers().between(0, NetRing.BYTE_SIZE / 4 - 1),
            Arbitraries.integers().between(0, 3),
            Arbitraries.of(0, 1, 1, 1, 64, -1),
            Arbitraries.of(0L, 0x1000L, 0x10000L, 0x1fff0L, 0x20000L, -1L, Long.MIN_VALUE),
            Arbitraries.of(0, 1, 60, 2048, 65536, -1))
        .as(Step::new)
        .list()
        .ofMaxSize(200);
  }

  /** Whatever the guest does: what the monitor does is bounded, and it relies on nothing of it. */
  @Property(tries = 300)
  void anythingInTheRingIsServedOrABreach(@ForAll("steps") List<Step> steps) {
    clear();
    device.memory = memory;
    device.requests.clear();
    NetRing hostile = ring(1);
    int index = 0;
    for (Step step : steps) {
      if (step.kind() == 0) {
        word(step.offset() * 4L, (int) step.gpa() + step.length());
      } else {
        fill(index, step.operation(), step.handle(), step.gpa(), step.length(), index);
        word(NetRing.SUBMISSION_TAIL, ++index);
        word(NetRing.COMPLETION_HEAD, word(NetRing.COMPLETION_TAIL));
      }
      int before = device.requests.size();
      try {
        boolean _ = hostile.serve();
      } catch (GuestAccessException e) {
        return; // its run ends here
      } finally {
        assertThat(device.requests.size() - before).isLessThanOrEqualTo(NetRing.BATCH);
      }
    }
  }
}
