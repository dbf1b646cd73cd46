// SPDX-License-Identifier: ISC
package dev.tealight.solo5;

import static dev.tealight.solo5.ElfHeaderTest.assertRefused;
import static dev.tealight.solo5.ElfHeaderTest.open;
import static dev.tealight.solo5.ImageBuilder.ABI_TYPE;
import static dev.tealight.solo5.ImageBuilder.abiNote;
import static dev.tealight.solo5.ImageBuilder.manifest;
import static dev.tealight.solo5.ImageBuilder.manifestNote;
import static dev.tealight.solo5.ImageBuilder.note;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.tealight.Image;
import dev.tealight.ImageException;
import dev.tealight.solo5.ImageBuilder.Program;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How the two Solo5 notes are found and read. */
class NoteTest {
  private static final String DAMAGED =
      "image test.hvt: %s note does not fall within valid size: program header 0, ";

  /** Returns an image whose first note is the given one, and which would be fine without it. */
  private static ImageBuilder first(Program note) {
    return ImageBuilder.empty()
        .program(note)
        .program(abiNote(1, 2))
        .program(manifestNote(manifest()));
  }

  private static Program set(Program note, int offset, int value) {
    ByteBuffer.wrap(note.content).order(ByteOrder.LITTLE_ENDIAN).putInt(offset, value);
    return note;
  }

  @Test
  void imageWithoutAbiNoteIsNoSolo5Image() {
    assertRefused(
        ImageBuilder.empty().manifest(manifest()),
        "image test.hvt has no Solo5 ABI note: it is no Solo5 unikernel, or one from before version"
            + " 0.6");
  }

  @Test
  void imageWithoutManifestNoteIsRefused() {
    assertRefused(ImageBuilder.empty().abi(1, 2), "image test.hvt has no Solo5 manifest note");
  }

  @ParameterizedTest
  @CsvSource({
    "2, spt",
    "3, virtio",
    "4, muen",
    "5, genode",
    "6, xen",
    "0, 0",
    "7, 7",
    "-1, 4294967295"
  })
  void otherTargetIsRefusedByName(int target, String name) {
    assertRefused(
        ImageBuilder.hello().abi(target, 2),
        "image test.hvt is for Solo5's target %s, only hvt can be run".formatted(name));
  }

  @ParameterizedTest
  @CsvSource({"0, 0", "1, 1", "3, 3", "-1, 4294967295"})
  void otherAbiVersionIsRefused(int version, String printed) {
    assertRefused(
        ImageBuilder.hello().abi(1, version),
        "image test.hvt has hvt ABI version %s, only version 2 can be run".formatted(printed));
  }

  @Test
  void abiOfAnotherTargetCanBeTold() {
    byte[] image = ImageBuilder.hello().abi(3, 1).build();

    assertThat(HvtImage.abiOf(Image.of("test.hvt", image))).isEqualTo(new HvtImage.Abi(3, 1));
  }

  @Test
  void reservedWordsOfTheAbiNoteMayHoldAnything() {
    assertThat(open(first(set(set(abiNote(1, 2), 28, -1), 32, -1))).abi().version()).isEqualTo(2);
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1, 11})
  void noteSegmentBelowANoteHeaderIsRefused(long byteSize) {
    assertRefused(
        first(abiNote(1, 1).fileByteSize(byteSize)),
        DAMAGED.formatted("ABI") + "its %d bytes are less than a note header".formatted(byteSize));
  }

  @ParameterizedTest
  @ValueSource(longs = {12, 19})
  void noteSegmentTooSmallForASolo5NameIsPassedOver(long byteSize) {
    assertThat(open(first(abiNote(1, 1).fileByteSize(byteSize))).abi().version()).isEqualTo(2);
  }

  @ParameterizedTest
  @ValueSource(longs = {1 << 20, Long.MAX_VALUE, Long.MIN_VALUE, -1, -20, -24})
  void noteThatTheFileDoesNotHoldIsRefused(long offset) {
    ImageBuilder builder = first(abiNote(1, 1).offset(offset));

    assertRefused(
        builder,
        "image test.hvt ends inside its note of program header 0: 20 bytes at offset 0x%x, of %d bytes in all"
            .formatted(offset, builder.build().length));
  }

  @ParameterizedTest
  @CsvSource({"0, 5", "0, 7", "0, 0", "0, -1", "8, 0", "8, 1"})
  void noteOfAnotherNameSizeOrTypeIsPassedOver(int offset, int value) {
    assertThat(open(first(set(abiNote(1, 1), offset, value))).abi().version()).isEqualTo(2);
  }

  @ParameterizedTest
  @ValueSource(strings = {"Solo4", "solo5", "Solo\0", "SolO5"})
  void noteOfAnotherNameIsPassedOver(String name) {
    assertThat(open(first(note(ABI_TYPE, name, new byte[16]))).abi().version()).isEqualTo(2);
  }

  @Test
  void whatStandsBehindTheNamesZeroIsNotLookedAt() {
    Program note = abiNote(1, 1);
    note.content[18] = 'x';
    note.content[19] = 'y';

    assertRefused(first(note), "image test.hvt has hvt ABI version 1, only version 2 can be run");
  }

  @ParameterizedTest
  @CsvSource({"0, 0", "33, 33", "0x7fffffff, 2147483647", "-1, 4294967295"})
  void descriptorSizeOutsideItsBoundsIsRefused(String byteSize, String printed) {
    assertRefused(
        first(set(abiNote(1, 1), 4, Integer.decode(byteSize))),
        DAMAGED.formatted("ABI") + "its n_descsz is %s, expected 1 to 32".formatted(printed));
  }

  @Test
  void largestManifestDescriptorIsThatOf64Entries() {
    assertRefused(
        first(set(manifestNote(manifest()), 4, 6669)),
        DAMAGED.formatted("MANIFEST") + "its n_descsz is 6669, expected 1 to 6668");
  }

  @Test
  void descriptorBeyondItsSegmentIsRefused() {
    assertRefused(
        first(abiNote(1, 1).fileByteSize(35)),
        DAMAGED.formatted("ABI") + "its n_descsz is 16, but its segment has only 35 bytes");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 4})
  void manifestDescriptorThatIsAllPaddingIsRefused(int byteSize) {
    assertRefused(
        first(set(manifestNote(manifest()), 4, byteSize)),
        DAMAGED.formatted("MANIFEST") + "its n_descsz of %d leaves no content".formatted(byteSize));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7})
  void abiNoteWithoutTargetAndVersionIsRefused(int byteSize) {
    assertRefused(
        first(set(abiNote(1, 1), 4, byteSize)),
        "ABI note of image test.hvt has %d bytes, expected at least 8".formatted(byteSize));
  }

  @Test
  void abiNoteOfTargetAndVersionAloneIsTaken() {
    assertThat(open(first(set(abiNote(1, 2), 4, 8))).abi().version()).isEqualTo(2);
  }

  @Test
  void firstNoteThatFitsIsTaken() {
    assertRefused(
        first(abiNote(1, 1)), "image test.hvt has hvt ABI version 1, only version 2 can be run");
  }

  @Test
  void secondNoteOfASegmentIsNotSeen() {
    byte[] one = note(1, "Other", new byte[4]).content;
    byte[] two = abiNote(1, 2).content;
    Program both = note(0, "", new byte[0]);
    both.content = ByteBuffer.allocate(one.length + two.length).put(one).put(two).array();

    assertThatExceptionOfType(ImageException.class)
        .isThrownBy(() -> open(ImageBuilder.empty().program(both).manifest(manifest())))
        .withMessageContaining("has no Solo5 ABI note");
  }

  @ParameterizedTest
  @ValueSource(longs = {Long.MIN_VALUE, -1})
  void noteSegmentOfAnAbsurdSizeIsReadAsFarAsItsNoteGoes(long byteSize) {
    assertThat(open(first(abiNote(1, 2).fileByteSize(byteSize))).abi().version()).isEqualTo(2);
  }
}
