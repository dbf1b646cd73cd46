// SPDX-License-Identifier: ISC
package dev.tealight.solo5;

import static dev.tealight.solo5.ElfHeaderTest.assertRefused;
import static dev.tealight.solo5.ElfHeaderTest.open;
import static dev.tealight.solo5.ImageBuilder.BLOCK;
import static dev.tealight.solo5.ImageBuilder.NET;
import static dev.tealight.solo5.ImageBuilder.RESERVED;
import static dev.tealight.solo5.ImageBuilder.manifest;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.solo5.ImageBuilder.Device;
import dev.tealight.spi.BootImage.DeclaredDevice;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which manifests are taken and which are refused, and why. */
class ManifestTest {
  private static final int ENTRY = 8 + 104;

  private static void assertInvalid(byte[] manifest, String why) {
    assertRefused(
        ImageBuilder.hello().manifest(manifest), "manifest of image test.hvt is invalid: " + why);
  }

  private static byte[] set(byte[] manifest, int offset, int value) {
    ByteBuffer.wrap(manifest).order(ByteOrder.LITTLE_ENDIAN).putInt(offset, value);
    return manifest;
  }

  private static byte[] setByte(byte[] manifest, int offset, int value) {
    manifest[offset] = (byte) value;
    return manifest;
  }

  private static byte[] oneDevice() {
    return manifest(new Device("storage", BLOCK));
  }

  @Test
  void handleIsAnEntrysPlaceBehindTheReservedOne() {
    HvtImage image =
        open(ImageBuilder.hello().devices(new Device("a", NET), new Device("b", BLOCK)));

    assertThat(image.devices())
        .containsExactly(
            new DeclaredDevice("a", "NET_BASIC", 1), new DeclaredDevice("b", "BLOCK_BASIC", 2));
  }

  @Test
  void sixtyThreeDevicesAreTaken() {
    Device[] devices =
        IntStream.rangeClosed(1, 63)
            .mapToObj(i -> new Device("d" + i, BLOCK))
            .toArray(Device[]::new);

    assertThat(open(ImageBuilder.hello().devices(devices)).devices().getLast())
        .isEqualTo(new DeclaredDevice("d63", "BLOCK_BASIC", 63));
  }

  @Test
  void sixtyFourDevicesAreRefused() {
    // One more would not fit into the note either; the count is looked at first here.
    assertInvalid(set(oneDevice(), 4, 65), "it has 65 entries, expected 1 to 64");
  }

  @Test
  void typeThatNobodyKnowsMustBeAttachedUnderItsNumber() {
    assertThat(open(ImageBuilder.hello().devices(new Device("x", 0x3fffffff))).devices())
        .containsExactly(new DeclaredDevice("x", "0x3fffffff", 1));
  }

  @ParameterizedTest
  @ValueSource(ints = {RESERVED, RESERVED + 1, Integer.MAX_VALUE, Integer.MIN_VALUE, -1})
  void reservedTypesNeedNotBeAttachedButKeepTheirHandle(int type) {
    assertThat(
            open(ImageBuilder.hello().devices(new Device("x", type), new Device("y", NET)))
                .devices())
        .containsExactly(new DeclaredDevice("y", "NET_BASIC", 2));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7})
  void manifestBelowItsHeaderIsRefused(int byteSize) {
    assertInvalid(
        Arrays.copyOf(manifest(), byteSize),
        "it has %d bytes, its header alone needs 8".formatted(byteSize));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 2, -1})
  void otherVersionIsRefused(int version) {
    assertInvalid(set(manifest(), 0, version), "its version is %d, expected 1".formatted(version));
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "65, 65",
    "0x7fffffff, 2147483647",
    "-1, 4294967295",
    "-2147483648, 2147483648"
  })
  void entryCountOutsideItsBoundsIsRefused(String count, String printed) {
    assertInvalid(
        set(manifest(), 4, Integer.decode(count)),
        "it has %s entries, expected 1 to 64".formatted(printed));
  }

  @Test
  void sizeThatDoesNotMatchTheCountIsRefused() {
    assertInvalid(Arrays.copyOf(manifest(), ENTRY - 1), "it has 111 bytes for 1 entries");
    assertInvalid(Arrays.copyOf(manifest(), ENTRY + 1), "it has 113 bytes for 1 entries");
    assertInvalid(set(manifest(), 4, 2), "it has 112 bytes for 2 entries");
  }

  @Test
  void firstEntryMustBeTheReservedOne() {
    assertInvalid(set(manifest(), 8 + 68, BLOCK), "its first entry is not the reserved one");
    assertInvalid(setByte(manifest(), 8, 'x'), "its first entry is not the reserved one");
  }

  @Test
  void nameWithoutAnEndIsRefused() {
    assertInvalid(
        setByte(oneDevice(), ENTRY + 67, 'x'), "the name of entry 1 does not end with a zero");
    assertInvalid(
        setByte(oneDevice(), 8 + 67, 'x'), "the name of entry 0 does not end with a zero");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 255})
  void entryThatSaysItIsAttachedIsRefused(int attached) {
    assertInvalid(
        setByte(oneDevice(), ENTRY + 96, attached), "entry 1 says that it is attached already");
  }

  @Test
  void longestNameIsTaken() {
    String name = "n".repeat(67);

    assertThat(
            open(ImageBuilder.hello().devices(new Device(name, NET))).devices().getFirst().name())
        .isEqualTo(name);
  }

  @Test
  void deviceWithoutNameIsRefused() {
    assertInvalid(manifest(new Device("", NET)), "entry 1 has no name");
  }

  @Test
  void twoDevicesOfOneNameAreRefused() {
    assertInvalid(
        manifest(new Device("a", NET), new Device("a", BLOCK)),
        "entry 2 has the name of an earlier one: a");
  }

  @ParameterizedTest
  @ValueSource(ints = {0x01, 0x1b, ' ', '/', ':', '@', '[', '`', '{', 0x7f, 0x80, 0xff})
  void nameOfAnythingButLettersAndDigitsIsRefused(int character) {
    assertInvalid(
        setByte(oneDevice(), ENTRY + 1, character),
        "the name of entry 1 has the byte 0x%02x, only letters and digits may be there"
            .formatted(character));
  }

  @Test
  void whatADeviceSaysOfItselfIsNotRead() {
    byte[] manifest = oneDevice();
    Arrays.fill(manifest, ENTRY + 72, ENTRY + 96, (byte) 0xff);
    Arrays.fill(manifest, ENTRY + 97, ENTRY + 104, (byte) 0xff);

    assertThat(open(ImageBuilder.hello().manifest(manifest)).devices()).hasSize(1);
  }
}
