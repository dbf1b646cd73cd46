// SPDX-License-Identifier: ISC
package dev.tealight.solo5;

import static dev.tealight.solo5.ElfHeaderTest.assertRefused;
import static dev.tealight.solo5.ElfHeaderTest.open;
import static dev.tealight.solo5.ImageBuilder.BASE;
import static dev.tealight.solo5.ImageBuilder.EXECUTE;
import static dev.tealight.solo5.ImageBuilder.READ;
import static dev.tealight.solo5.ImageBuilder.WRITE;
import static dev.tealight.solo5.ImageBuilder.segment;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.tealight.ImageException;
import dev.tealight.Protection;
import dev.tealight.solo5.ImageBuilder.Program;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which loadable segments are taken and which are refused, and why. */
class SegmentTest {
  private static final long GIB_4 = 0x1_0000_0000L;

  /** Returns an image with these segments, its notes behind them. */
  private static ImageBuilder image(Program... segments) {
    ImageBuilder image = ImageBuilder.empty();
    for (Program segment : segments) {
      image.program(segment);
    }
    return image.abi(1, 2).manifest(ImageBuilder.manifest());
  }

  private static Program text() {
    return segment(EXECUTE, BASE, 0x40);
  }

  @Test
  void imageWithMoreThanSixtyFourSegmentsIsRefused() {
    Program[] segments = new Program[65];
    for (int i = 0; i < segments.length; i++) {
      segments[i] = segment(READ, BASE + 0x1000L * i, 8);
    }

    assertThat(open(image(Arrays.copyOf(segments, 64))).segments()).hasSize(64);
    assertRefused(image(segments), "image test.hvt has 65 loadable segments, expected at most 64");
  }

  @Test
  void segmentCoversItsPagesWhole() {
    HvtImage image = open(image(segment(READ, BASE + 0x1010, 0x20).memoryByteSize(0x1000)));

    assertThat(image.segments())
        .containsExactly(
            new HvtImage.Segment(
                BASE + 0x1010, 0x20, 0x1000, BASE + 0x1000, BASE + 0x3000, Protection.READ_ONLY));
    assertThat(image.end()).isEqualTo(BASE + 0x3000);
  }

  @ParameterizedTest
  @ValueSource(longs = {0, BASE, GIB_4, Long.MAX_VALUE, -1})
  void segmentWithoutBytesInTheFileIsSkippedWhateverElseItSays(long address) {
    Program odd = segment(WRITE | EXECUTE, address, 0).memoryByteSize(-1).alignment(3);

    assertThat(open(image(text(), odd)).segments()).hasSize(1);
  }

  @Test
  void imageWithoutSegmentsIsTaken() {
    HvtImage image = open(image());

    assertThat(image.segments()).isEmpty();
    assertThat(image.end()).isEqualTo(BASE);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 2, 3, 5, 6, 7, 0x6474e551, -1})
  void headerOfAnotherTypeIsIgnored(int type) {
    Program other = segment(WRITE | EXECUTE, 5, 8).alignment(3);
    other.type = type;

    assertThat(open(image(text(), other)).segments()).hasSize(1);
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 0xff000, 0xfffff})
  void segmentBelowTheLoadBaseIsRefused(long address) {
    assertRefused(
        image(segment(READ, address, 8)),
        "image test.hvt: segment of program header 0 is loaded at p_vaddr 0x%x, below 0x100000"
            .formatted(address));
  }

  @Test
  void segmentBelowAnEarlierOneIsRefused() {
    assertRefused(
        image(segment(READ, BASE + 0x2000, 8), segment(READ, BASE, 8)),
        "image test.hvt: segment of program header 1 is loaded at p_vaddr 0x100000, below an"
            + " earlier one at 0x102000");
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 3, 0x1001, -1, Long.MIN_VALUE | 1})
  void alignmentThatIsNoPowerOfTwoIsRefused(long alignment) {
    assertRefused(
        image(text().alignment(alignment)),
        "image test.hvt: segment of program header 0 has p_align 0x%x, which is no power of two"
            .formatted(alignment));
  }

  @ParameterizedTest
  @ValueSource(longs = {1L << 33, 1L << 62, Long.MIN_VALUE})
  void alignmentAboveMemoryIsRefused(long alignment) {
    assertRefused(
        image(text().alignment(alignment)),
        "image test.hvt: segment of program header 0 has p_align 0x%x, above 0x100000000"
            .formatted(alignment));
  }

  @Test
  void segmentThatBeginsBelowTheLoadBaseOnceAlignedIsRefused() {
    assertRefused(
        image(text().alignment(0x200000)),
        "image test.hvt: segment of program header 0 begins, aligned, at 0x0, below 0x100000");
  }

  @Test
  void segmentOnAPageOfAnEarlierOneIsRefused() {
    assertRefused(
        image(text(), segment(READ, BASE + 0x800, 8)),
        "image test.hvt: segment of program header 1 begins, aligned, at 0x100000, inside an"
            + " earlier one to 0x101000");
  }

  @Test
  void segmentThatOverlapsOnlyByAlignmentIsRefused() {
    assertRefused(
        image(text(), segment(READ, BASE + 0x3000, 8).alignment(0x4000)),
        "image test.hvt: segment of program header 1 begins, aligned, at 0x100000, inside an"
            + " earlier one to 0x101000");
  }

  @ParameterizedTest
  @ValueSource(longs = {GIB_4, Long.MAX_VALUE, Long.MIN_VALUE, -4096})
  void segmentBeyondMemoryIsRefused(long address) {
    assertRefused(
        image(segment(READ, address, 8)),
        "image test.hvt: segment of program header 0 is loaded at p_vaddr 0x%x, above 0x100000000"
            .formatted(address));
  }

  @ParameterizedTest
  @ValueSource(longs = {0x8000_0000L, Long.MAX_VALUE, Long.MIN_VALUE, -1})
  void fileSizeBeyondAnArrayIsRefused(long byteSize) {
    assertRefused(
        image(text().fileByteSize(byteSize)),
        "image test.hvt: segment of program header 0 has p_filesz 0x%x, expected at most 0x7ffffff7"
            .formatted(byteSize));
  }

  @Test
  void fileSizeBeyondMemoryIsRefused() {
    assertRefused(
        image(segment(READ, GIB_4 - 0x1000, 8).fileByteSize(0x1001)),
        "image test.hvt: segment of program header 0 has p_filesz 0x1001, which leaves 0x1000 bytes"
            + " of memory");
  }

  @Test
  void memorySizeBelowFileSizeIsRefused() {
    assertRefused(
        image(text().memoryByteSize(0x3f)),
        "image test.hvt: segment of program header 0 has p_memsz 0x3f, less than its p_filesz"
            + " 0x40");
  }

  @ParameterizedTest
  @ValueSource(longs = {GIB_4 - BASE + 1, Long.MAX_VALUE, Long.MIN_VALUE, -1})
  void memorySizeBeyondMemoryIsRefused(long byteSize) {
    assertRefused(
        image(text().memoryByteSize(byteSize)),
        "image test.hvt: segment of program header 0 has p_memsz 0x%x, which leaves 0xfff00000 bytes of memory"
            .formatted(byteSize));
  }

  @Test
  void endIsRoundedUpToTheVeryEndOfMemoryAtTheMost() {
    Program large = segment(READ, GIB_4 / 2, 8).memoryByteSize(GIB_4 / 2).alignment(GIB_4 / 2);

    assertThat(open(image(large)).end()).isEqualTo(GIB_4);
    assertThat(open(image(large.memoryByteSize(8))).end()).isEqualTo(GIB_4);
  }

  @Test
  void segmentToTheVeryEndOfMemoryIsTaken() {
    assertThat(open(image(segment(READ, GIB_4 - 0x1000, 8).memoryByteSize(0x1000))).end())
        .isEqualTo(GIB_4);
  }

  @ParameterizedTest
  @CsvSource({"0x100010, 8, 16, 0x100010, 0x100020", "0x100000, 8, 1, 0x100000, 0x100008"})
  void segmentThatIsNotWholePagesOnceAlignedIsRefused(
      long address, int byteSize, long alignment, String start, String end) {
    assertRefused(
        image(segment(READ, address, byteSize).alignment(alignment)),
        "image test.hvt: segment of program header 0 is from %s to %s, aligned, which is not on page boundaries"
            .formatted(start, end));
  }

  @Test
  void smallAlignmentIsTakenWhereTheSegmentIsWholePages() {
    assertThat(open(image(segment(READ, BASE, 0x1000).alignment(1))).segments()).hasSize(1);
  }

  @ParameterizedTest
  @ValueSource(ints = {3, 7})
  void writableCodeIsRefused(int flags) {
    assertRefused(
        image(text().flags(flags)),
        "image test.hvt: segment of program header 0 is both writable and executable (p_flags %d)"
            .formatted(flags));
  }

  @ParameterizedTest
  @CsvSource({"0, ---", "1, --x", "2, -w-", "4, r--", "5, r-x", "6, rw-", "0xfffffff4, r--"})
  void protectionIsWhatTheFlagsSay(String flags, String protection) {
    Program segment = text().flags(Long.decode(flags).intValue());

    assertThat(open(image(segment)).segments().getFirst().protection()).hasToString(protection);
  }

  @ParameterizedTest
  @ValueSource(longs = {0x4000, Long.MAX_VALUE, Long.MIN_VALUE, -1, -0x40})
  void segmentThatTheFileDoesNotHoldIsRefused(long offset) {
    ImageBuilder builder = image(text().offset(offset));

    assertRefused(
        builder,
        "image test.hvt ends inside its segment of program header 0: 64 bytes at offset 0x%x, of %d bytes in all"
            .formatted(offset, builder.build().length));
  }

  @Test
  void physicalAddressAndFileOffsetMayBeAnything() {
    Program odd = text().offset(3);

    assertThat(open(image(odd).patch(ImageBuilder.HEADER_BYTE_SIZE + 24, 8, -1)).segments())
        .hasSize(1);
  }

  @Test
  void segmentsThatShareTheBytesOfASmallFileAreRefused() {
    // Otherwise a file of a few megabytes could make its reader hold gigabytes.
    Program[] segments = new Program[64];
    for (int i = 0; i < segments.length; i++) {
      segments[i] = segment(READ, BASE + i * 0x1000L, 0).offset(0).fileByteSize(0x1000);
    }
    ImageBuilder builder = image(segments);

    assertThatExceptionOfType(ImageException.class)
        .isThrownBy(() -> open(builder))
        .withMessage(
            "image test.hvt has only %d bytes, fewer than its segments together, which share some"
                + " of them",
            builder.build().length);
  }
}
