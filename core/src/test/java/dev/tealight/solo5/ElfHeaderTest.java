// SPDX-License-Identifier: ISC
package dev.tealight.solo5;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.tealight.Image;
import dev.tealight.ImageException;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which ELF headers are taken and which are refused. */
class ElfHeaderTest {

  static HvtImage open(ImageBuilder builder) {
    return open(builder.build());
  }

  static HvtImage open(byte[] image) {
    return Solo5Hvt.open(Image.of("test.hvt", image));
  }

  static void assertRefused(ImageBuilder builder, String message) {
    assertThatExceptionOfType(ImageException.class)
        .isThrownBy(() -> open(builder))
        .withMessage(message);
  }

  @Test
  void imageOfTodaysToolchainIsRead() {
    HvtImage image = open(ImageBuilder.hello());

    assertThat(image.abi()).isEqualTo(new HvtImage.Abi(1, 2));
    assertThat(image.entry()).isEqualTo(0x100020);
    assertThat(image.segments())
        .extracting(HvtImage.Segment::gpa)
        .containsExactly(0x100000L, 0x101000L, 0x102000L);
    assertThat(image.manifest().entries()).isEmpty();
    assertThat(image.end()).isEqualTo(0x103000);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          4  | 1 | 1   | class at offset 4 = 1, expected 2 (64-bit)
          4  | 1 | 0   | class at offset 4 = 0, expected 2 (64-bit)
          5  | 1 | 2   | data encoding at offset 5 = 2, expected 1 (little-endian)
          16 | 2 | 1   | e_type at offset 16 = 1, expected 2 (a statically linked executable)
          16 | 2 | 3   | e_type at offset 16 = 3, expected 2 (a statically linked executable)
          16 | 2 | 4   | e_type at offset 16 = 4, expected 2 (a statically linked executable)
          20 | 4 | 0   | e_version at offset 20 = 0, expected 1 (the only version)
          20 | 4 | 2   | e_version at offset 20 = 2, expected 1 (the only version)
          52 | 2 | 63  | e_ehsize at offset 52 = 63, expected 64 (bytes)
          52 | 2 | 52  | e_ehsize at offset 52 = 52, expected 64 (bytes)
          54 | 2 | 32  | e_phentsize at offset 54 = 32, expected 56 (bytes)
          54 | 2 | 57  | e_phentsize at offset 54 = 57, expected 56 (bytes)
          """)
  void headerFieldOfAnotherValueIsRefusedByName(int offset, int width, long value, String message) {
    assertRefused(
        ImageBuilder.hello().patch(offset, width, value), "image test.hvt has ELF " + message);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3})
  void eachMagicByteIsChecked(int offset) {
    assertThatExceptionOfType(ImageException.class)
        .isThrownBy(() -> open(ImageBuilder.hello().patch(offset, 1, 0)))
        .withMessageStartingWith("image test.hvt is no ELF executable: it starts with 0x")
        .withMessageEndingWith(" instead of 0x7f454c46");
  }

  @ParameterizedTest
  @CsvSource({
    "6, 1", // EI_VERSION
    "7, 1", // EI_OSABI
    "8, 8", // EI_ABIVERSION and padding
    "40, 8", // e_shoff
    "48, 4", // e_flags
    "58, 2", // e_shentsize
    "60, 2", // e_shnum
    "62, 2" // e_shstrndx
  })
  void fieldThatSaysNothingAboutLoadingMayHoldAnything(int offset, int width) {
    assertThat(open(ImageBuilder.hello().patch(offset, width, -1)).segments()).hasSize(3);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 3, 40, 183, 243, 0xffff})
  void otherMachineIsRefused(int machine) {
    assertRefused(
        ImageBuilder.hello().patch(18, 2, machine),
        "image test.hvt is for ELF machine %d, only 62 (x86-64) can be run".formatted(machine));
  }

  @Test
  void imageWithoutProgramHeadersIsRefused() {
    assertRefused(
        ImageBuilder.hello().patch(56, 2, 0),
        "image test.hvt has no program headers (e_phnum at offset 56)");
  }

  @ParameterizedTest
  @ValueSource(longs = {1 << 20, Long.MAX_VALUE, Long.MIN_VALUE, -1, -56})
  void programHeaderTableOutsideTheFileIsRefused(long offset) {
    byte[] image = ImageBuilder.hello().patch(32, 8, offset).build();

    assertThatExceptionOfType(ImageException.class)
        .isThrownBy(() -> open(image))
        .withMessage(
            "image test.hvt ends inside its program header table: %d bytes at offset 0x%x, of %d"
                + " bytes in all",
            8 * 56, offset, image.length);
  }

  @Test
  void programHeaderTableThatTheFileHoldsOnlyInPartIsRefused() {
    byte[] image = ImageBuilder.hello().build();

    assertThatExceptionOfType(ImageException.class)
        .isThrownBy(() -> open(ImageBuilder.hello().patch(56, 2, 0xffff)))
        .withMessage(
            "image test.hvt ends inside its program header table: %d bytes at offset 0x40, of %d"
                + " bytes in all",
            0xffff * 56, image.length);
  }

  @Test
  void lowestEntryPointIsTaken() {
    assertThat(open(ImageBuilder.hello().entry(0x100000)).entry()).isEqualTo(0x100000);
  }

  @Test
  void entryPointNeedNotLieInsideASegment() {
    assertThat(open(ImageBuilder.hello().entry(0xffff_ffffL)).entry()).isEqualTo(0xffff_ffffL);
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 0xfffff, 0x1_0000_0000L, Long.MAX_VALUE, Long.MIN_VALUE, -1})
  void entryPointOutsideWhatAGuestCanHaveIsRefused(long entry) {
    assertRefused(
        ImageBuilder.hello().entry(entry),
        "image test.hvt has its entry point at 0x%x, expected 0x100000 or above and inside memory"
            .formatted(entry));
  }

  @Test
  void imageCutAtAnyOffsetIsRefusedUnlessOnlyUnreadBytesAreMissing() {
    byte[] image = ImageBuilder.hello().build();

    // The file ends with the manifest note, which has to be whole.
    for (int length = 0; length < image.length; length++) {
      byte[] cut = Arrays.copyOf(image, length);
      assertThatExceptionOfType(ImageException.class)
          .as("%d of %d bytes", length, image.length)
          .isThrownBy(() -> open(cut))
          .withMessageStartingWith("image test.hvt ");
    }
  }

  @Test
  void fileTooSmallForAHeaderSaysSo() {
    assertThatExceptionOfType(ImageException.class)
        .isThrownBy(() -> open(new byte[63]))
        .withMessage(
            "image test.hvt is no ELF executable: it has 63 bytes, its header alone needs 64");
  }
}
