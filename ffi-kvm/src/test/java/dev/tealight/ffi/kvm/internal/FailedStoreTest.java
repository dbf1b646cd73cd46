// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.ExitFrame;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What KVM passes on about a failed emulation is read as the processor's makers define it. */
class FailedStoreTest {
  private static final long MEMORY_BYTE_SIZE = 0x20_0000;
  private static final int SUBERROR = 32;

  private final MemorySegment page = Arena.ofAuto().allocate(4096, 8);

  private long address(int size, long flags, long... data) {
    page.fill((byte) 0);
    page.set(ValueLayout.JAVA_INT, SUBERROR, 1);
    page.set(ValueLayout.JAVA_INT, SUBERROR + 4, size);
    page.set(ValueLayout.JAVA_LONG, SUBERROR + 8, flags);
    for (int i = 0; i < data.length; i++) {
      page.set(ValueLayout.JAVA_LONG, SUBERROR + 16 + 8L * i, data[i]);
    }
    return FailedStore.address(new KvmRun(page), MEMORY_BYTE_SIZE);
  }

  @ParameterizedTest
  @CsvSource({
    "0x7, 0x5123, 0x5123",
    "0x6, 0x5123, 0x5123",
    "0x5, 0x5123, -2", // a read
    "0x7, 0x200000, -2", // outside memory
    "0x7, -1, -2"
  })
  void nestedPageFaultByAWriteTellsItsAddress(String code, String at, String expected) {
    assertThat(address(8, 1, 0, 0, 0x400, Long.decode(code), Long.decode(at)))
        .isEqualTo(Long.decode(expected));
  }

  @Test
  void instructionBytesMayBeMissing() {
    assertThat(address(6, 0, 0x400, 7, 0x5123)).isEqualTo(0x5123);
  }

  @ParameterizedTest
  @CsvSource({
    "0x2a, true", // a write to what can be read and executed
    "0x0a, true",
    "0x1a, false", // to what can be written
    "0x02, false", // to what is not mapped
    "0x09, false" // a read
  })
  void writeToAPageMappedForReadingIsAStoreSomewhere(String qualification, boolean isStore) {
    assertThat(address(8, 1, 0, 0, 48, Long.decode(qualification), 0))
        .isEqualTo(isStore ? ExitFrame.UNKNOWN_ADDRESS : FailedStore.NONE);
  }

  @ParameterizedTest
  @CsvSource({"0", "3", "7", "17", "-1", "2147483647"})
  void sizesThatCannotBeAreNotBelieved(int size) {
    assertThat(address(size, 1, 0, 0, 0x400, 7, 0x5123)).isEqualTo(FailedStore.NONE);
  }

  @Test
  void otherReasonsToEmulateAreNoStore() {
    assertThat(address(8, 1, 0, 0, 0x1000, 7, 0x5123)).isEqualTo(FailedStore.NONE);
  }
}
