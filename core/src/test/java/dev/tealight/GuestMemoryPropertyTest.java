// SPDX-License-Identifier: ISC

package dev.tealight;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/** Guest memory against a model that asks for each byte by itself. */
class GuestMemoryPropertyTest {
  private static final int PAGE = GuestMemory.PAGE_BYTE_SIZE;
  private static final int PAGES = 8;
  private static final long SIZE = (long) PAGES * PAGE;

  /** The protection of each page. */
  record Map(List<Protection> pages) {

    List<Region> regions() {
      List<Region> regions = new ArrayList<>();
      int start = 0;
      for (int end = 1; end <= PAGES; end++) {
        if (end == PAGES || !pages.get(end).equals(pages.get(start))) {
          // Every second map names the unrestricted pages too.
          if (!pages.get(start).equals(Protection.ALL) || pages.hashCode() % 2 == 0) {
            regions.add(
                new Region((long) start * PAGE, (long) (end - start) * PAGE, pages.get(start)));
          }
          start = end;
        }
      }
      return regions.reversed();
    }

    boolean allows(long gpa, long byteSize, boolean write) {
      if (gpa < 0 || gpa > SIZE || byteSize < 0 || byteSize > SIZE - gpa) {
        return false;
      }
      for (long at = gpa; at < gpa + byteSize; at++) {
        Protection page = pages.get((int) (at / PAGE));
        if (write ? !page.write() : !page.read() && !page.execute()) {
          return false;
        }
      }
      return true;
    }
  }

  @Provide
  Arbitrary<Map> maps() {
    Arbitrary<Boolean> right = Arbitraries.of(true, false);
    Arbitrary<Protection> protection =
        Arbitraries.oneOf(
            Arbitraries.just(Protection.ALL),
            Combinators.combine(right, right, right).as(Protection::new));
    return protection.list().ofSize(PAGES).map(Map::new);
  }

  @Provide
  Arbitrary<Long> addresses() {
    return Arbitraries.oneOf(
        Arbitraries.longs().between(0, SIZE + 16),
        Arbitraries.longs(),
        Combinators.combine(
                Arbitraries.longs().between(0, PAGES + 1), Arbitraries.longs().between(-9, 9))
            .as((page, offset) -> page * PAGE + offset),
        Arbitraries.longs().between(-9, 9).map(offset -> Long.MIN_VALUE + offset));
  }

  @Provide
  Arbitrary<Long> sizes() {
    return Arbitraries.oneOf(
        Arbitraries.longs().between(0, 16),
        Arbitraries.longs().between(0, SIZE + 16),
        Arbitraries.longs());
  }

  private static GuestMemory memory(Map map) {
    GuestMemory memory = GuestMemory.over(MemorySegment.ofArray(new byte[(int) SIZE]));
    memory.restrict(map.regions());
    return memory;
  }

  private static boolean throwsAccess(Runnable access) {
    try {
      access.run();
      return false;
    } catch (GuestAccessException e) {
      return true;
    }
  }

  @Property
  void checksAgreeWithTheModel(
      @ForAll("maps") Map map, @ForAll("addresses") long gpa, @ForAll("sizes") long byteSize) {
    GuestMemory memory = memory(map);
    boolean read = map.allows(gpa, byteSize, false);
    boolean write = map.allows(gpa, byteSize, true);
    assertThat(memory.isReadable(gpa, byteSize)).isEqualTo(read);
    assertThat(memory.isWritable(gpa, byteSize)).isEqualTo(write);
    assertThat(throwsAccess(() -> memory.checkRead(gpa, byteSize))).isEqualTo(!read);
    assertThat(throwsAccess(() -> memory.checkWrite(gpa, byteSize))).isEqualTo(!write);
  }

  @Property
  void accessesOfEachWidthAgreeWithTheModel(
      @ForAll("maps") Map map, @ForAll("addresses") long gpa) {
    GuestMemory memory = memory(map);
    assertThat(throwsAccess(() -> memory.readByte(gpa))).isEqualTo(!map.allows(gpa, 1, false));
    assertThat(throwsAccess(() -> memory.readShort(gpa))).isEqualTo(!map.allows(gpa, 2, false));
    assertThat(throwsAccess(() -> memory.readInt(gpa))).isEqualTo(!map.allows(gpa, 4, false));
    assertThat(throwsAccess(() -> memory.readLong(gpa))).isEqualTo(!map.allows(gpa, 8, false));
    assertThat(throwsAccess(() -> memory.writeByte(gpa, (byte) 1)))
        .isEqualTo(!map.allows(gpa, 1, true));
    assertThat(throwsAccess(() -> memory.writeShort(gpa, (short) 1)))
        .isEqualTo(!map.allows(gpa, 2, true));
    assertThat(throwsAccess(() -> memory.writeInt(gpa, 1))).isEqualTo(!map.allows(gpa, 4, true));
    assertThat(throwsAccess(() -> memory.writeLong(gpa, 1))).isEqualTo(!map.allows(gpa, 8, true));
  }

  @Property
  void refusedWriteChangesNothing(
      @ForAll("maps") Map map, @ForAll("addresses") long gpa, @ForAll("sizes") long byteSize) {
    GuestMemory memory = memory(map);
    byte[] source = new byte[(int) Math.clamp(byteSize, 0, 3L * PAGE)];
    Arrays.fill(source, (byte) 1);
    boolean refused = throwsAccess(() -> memory.copyIn(gpa, source, 0, source.length));
    assertThat(refused).isEqualTo(!map.allows(gpa, source.length, true));
    if (refused) {
      assertThat(memory.unrestricted().mismatch(MemorySegment.ofArray(new byte[(int) SIZE])))
          .isEqualTo(-1);
    }
  }

  @Property
  void sliceIsReadOnlyUnlessAllOfItMayBeWritten(
      @ForAll("maps") Map map, @ForAll("addresses") long gpa, @ForAll("sizes") long byteSize) {
    GuestMemory memory = memory(map);
    if (map.allows(gpa, byteSize, false)) {
      MemorySegment slice = memory.slice(gpa, byteSize);
      assertThat(slice.byteSize()).isEqualTo(byteSize);
      assertThat(slice.isReadOnly()).isEqualTo(!map.allows(gpa, byteSize, true));
    } else {
      assertThat(throwsAccess(() -> memory.slice(gpa, byteSize))).isTrue();
    }
  }

  @Property
  void valuesAreLittleEndianAtAnyAlignment(@ForAll("addresses") long address, @ForAll long value) {
    GuestMemory memory = memory(new Map(Collections.nCopies(PAGES, Protection.ALL)));
    long gpa = Math.floorMod(address, SIZE - 8);
    memory.writeLong(gpa, value);
    assertThat(memory.readLong(gpa)).isEqualTo(value);
    assertThat(memory.readInt(gpa)).isEqualTo((int) value);
    assertThat(memory.readShort(gpa)).isEqualTo((short) value);
    assertThat(memory.readByte(gpa)).isEqualTo((byte) value);
    assertThat(memory.readByte(gpa + 7)).isEqualTo((byte) (value >>> 56));
  }

  @Property
  void copiesGoThereAndBack(@ForAll byte[] bytes, @ForAll("addresses") long address) {
    GuestMemory memory = memory(new Map(Collections.nCopies(PAGES, Protection.ALL)));
    long gpa = Math.floorMod(address, SIZE - bytes.length);
    memory.copyIn(gpa, bytes, 0, bytes.length);
    byte[] back = new byte[bytes.length + 2];
    memory.copyOut(gpa, back, 1, bytes.length);
    assertThat(Arrays.copyOfRange(back, 1, bytes.length + 1)).isEqualTo(bytes);
  }

  @Example
  void emptyRangeMayBeAtTheEndAndNotBehindIt() {
    GuestMemory memory = GuestMemory.over(MemorySegment.ofArray(new byte[PAGE]));
    memory.checkRead(PAGE, 0);
    memory.checkWrite(PAGE, 0);
    assertThatThrownBy(() -> memory.checkRead(PAGE + 1, 0))
        .isInstanceOf(GuestAccessException.class)
        .hasMessage("range gpa=0x1001 byteSize=0 is outside guest memory of 4096 bytes");
  }

  @Example
  void truncatedMemoryEndsEarlierAndKeepsItsRegions() {
    GuestMemory memory = GuestMemory.over(MemorySegment.ofArray(new byte[2 * PAGE]));
    memory.restrict(List.of(new Region(0, PAGE, Protection.READ_ONLY)));
    GuestMemory part = memory.truncated(PAGE);
    assertThat(part.byteSize()).isEqualTo(PAGE);
    assertThat(part.isReadable(PAGE, 1)).isFalse();
    assertThat(part.isWritable(0, 1)).isFalse();
    assertThat(part.isReadable(0, PAGE)).isTrue();
  }

  @Example
  void memoryThatTheMonitorCannotWriteIsRefused() {
    MemorySegment readOnly = MemorySegment.ofArray(new byte[PAGE]).asReadOnly();
    assertThatThrownBy(() -> GuestMemory.over(readOnly))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Example
  void closedMemoryIsNotAccessed() {
    GuestMemory memory;
    try (Arena arena = Arena.ofShared()) {
      memory = GuestMemory.over(arena.allocate(PAGE));
    }
    assertThatThrownBy(() -> memory.readLong(0)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> memory.writeInt(0, 1)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> memory.copyOut(0, new byte[8], 0, 8))
        .isInstanceOf(IllegalStateException.class);
  }
}
