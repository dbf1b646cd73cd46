// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tealight.GuestAccessException;
import dev.tealight.GuestMemory;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

/** Page tables are followed as the processor follows them, whatever is in them. */
class PageTablesTest {
  private final GuestMemory memory = GuestMemory.over(MemorySegment.ofArray(new long[0x4000]));
  private final PageTables tables = new PageTables(memory, 0x1018);

  private void map() {
    memory.writeLong(0x1000, 0x2003);
    memory.writeLong(0x2000, 0x3003);
    memory.writeLong(0x3000, 0x4003);
    memory.writeLong(0x3008, 0x83); // 2 MiB at 0
    memory.writeLong(0x4028, 0x7003); // page 5 is page 7
  }

  @Test
  void mappedBytesAreTranslated() {
    map();
    assertThat(tables.translate(0x5123)).isEqualTo(0x7123);
    assertThat(tables.translate(0x201234)).isEqualTo(0x1234);
  }

  @Test
  void whatIsNotMappedOrOutsideMemoryIsAbsent() {
    map();
    assertThat(tables.translate(0x6000)).isEqualTo(PageTables.ABSENT);
    assertThat(tables.translate(0x3f0000)).isEqualTo(PageTables.ABSENT);
    assertThat(tables.translate(-1)).isEqualTo(PageTables.ABSENT);
    assertThat(tables.translate(0x5123 | Long.MIN_VALUE)).isEqualTo(PageTables.ABSENT);
  }

  @Test
  void everyPresentEntryIsOpenedAndNoOther() {
    map();
    tables.openToUser();
    assertThat(memory.readLong(0x1000)).isEqualTo(0x2007);
    assertThat(memory.readLong(0x3008)).isEqualTo(0x87);
    assertThat(memory.readLong(0x4028)).isEqualTo(0x7007);
    assertThat(memory.readLong(0x4030)).isZero();
    assertThat(memory.readLong(0x7000)).isZero();
  }

  @Test
  void processorsPagesAreNotOpened() {
    map();
    tables.openToUser();
    tables.mapForProcessor(0x9000, 0x2000);
    assertThat(memory.readLong(0x4048)).isEqualTo(0x9001);
    assertThat(memory.readLong(0x4050)).isEqualTo(0xa001);
  }

  @Test
  void pagesWithoutATableAreRefused() {
    assertThatThrownBy(() -> tables.mapForProcessor(0x9000, 0x1000))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("no page table covers 0x9000");
  }

  @Test
  void tablesThatContainThemselvesEnd() {
    for (long entry = 0; entry < 512; entry++) {
      memory.writeLong(0x1000 + 8 * entry, 0x1003);
    }
    assertThatThrownBy(tables::openToUser).isInstanceOf(IllegalArgumentException.class);
  }

  @Property(tries = 50)
  void anyTablesAreFollowedWithoutLeavingMemory(@ForAll long seed, @ForAll long any) {
    Random random = new Random(seed);
    long linear = any >> 16;
    for (long gpa = 0; gpa < memory.byteSize(); gpa += 8) {
      memory.writeLong(gpa, (random.nextLong() & 0x3f003) | random.nextInt(4));
    }
    long gpa = tables.translate(linear);
    assertThat(gpa == PageTables.ABSENT || (gpa >= 0 && gpa < memory.byteSize())).isTrue();
    try {
      boolean _ = tables.openToUser(linear);
      assertThat(tables.openToUser(linear)).isFalse();
      tables.mapForProcessor(linear & 0x7ffffffff000L, 0x3000);
      tables.openToUser();
    } catch (GuestAccessException e) {
      assertThat(e).hasMessageContaining("is outside guest memory");
    } catch (IllegalArgumentException e) {
      assertThat(e.getMessage()).matches("there are more than .*|no page table covers .*");
    }
  }
}
