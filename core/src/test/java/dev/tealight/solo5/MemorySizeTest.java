// SPDX-License-Identifier: ISC
package dev.tealight.solo5;

import static dev.tealight.solo5.ElfHeaderTest.open;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.tealight.ConfigurationException;
import dev.tealight.Image;
import dev.tealight.fake.FakeBoot;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How much memory a guest gets for a request. */
class MemorySizeTest {
  private static final long MIB = 1 << 20;

  @ParameterizedTest
  @CsvSource({
    "1, 2097152",
    "2097151, 2097152",
    "2097152, 2097152",
    "3145728, 2097152",
    "4194303, 2097152",
    "4194304, 4194304",
    "536870912, 536870912",
    "4294967295, 4292870144",
    "4294967296, 4294967296"
  })
  void requestIsRoundedDownToTwoMebibytesButNotToNothing(long requested, long granted) {
    assertThat(open(ImageBuilder.hello()).memoryByteSize(requested)).isEqualTo(granted);
  }

  @ParameterizedTest
  @ValueSource(longs = {0, -1, Long.MIN_VALUE, (4L << 30) + 1, Long.MAX_VALUE})
  void requestForNothingOrMoreThanFourGibibytesIsRefused(long requested) {
    HvtImage image = open(ImageBuilder.hello());

    assertThatExceptionOfType(ConfigurationException.class)
        .isThrownBy(() -> image.memoryByteSize(requested))
        .withMessage("guest memory of %d bytes: give from 1 to 4294967296", requested);
  }

  @Test
  void memoryThatDoesNotHoldTheImageIsRefused() {
    HvtImage image =
        open(ImageBuilder.hello().program(ImageBuilder.segment(ImageBuilder.READ, 2 * MIB, 0x10)));

    assertThat(image.memoryByteSize(4 * MIB)).isEqualTo(4 * MIB);
    assertThatExceptionOfType(ConfigurationException.class)
        .isThrownBy(() -> image.memoryByteSize(4 * MIB - 1))
        .withMessage(
            "guest memory of 2097152 bytes is too small for image test.hvt, which ends at"
                + " 0x201000");
  }

  @Test
  void memoryThatDoesNotHoldTheEntryPointIsRefused() {
    HvtImage image = open(ImageBuilder.hello().entry(2 * MIB));

    assertThat(image.memoryByteSize(4 * MIB)).isEqualTo(4 * MIB);
    assertThatExceptionOfType(ConfigurationException.class)
        .isThrownBy(() -> image.memoryByteSize(2 * MIB))
        .withMessage(
            "guest memory of 2097152 bytes is too small for image test.hvt, which ends at"
                + " 0x200001");
  }

  @ParameterizedTest
  @ValueSource(longs = {1 * MIB, 3 * MIB, 4096 * MIB + 2 * MIB})
  void machineOfASizeThatNoRequestGivesIsRefused(long byteSize) {
    byte[] image = ImageBuilder.hello().build();

    try (FakeBoot boot = new FakeBoot(byteSize)) {
      assertThatExceptionOfType(ConfigurationException.class)
          .isThrownBy(() -> boot.boot(image))
          .withMessageStartingWith("guest memory of %d bytes: give ".formatted(byteSize));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "1, 4194304",
    "536870912, 538968064",
    "4292870144, 4294967296",
    "4294967296, 4294967296"
  })
  void guestWithANetworkDeviceGetsTwoMebibytesForTheRingUpToTheLimit(long requested, long granted) {
    byte[] image = ImageBuilder.hello().devices(new ImageBuilder.Device("net", 2)).build();

    assertThat(open(image).memoryByteSize(requested)).isEqualTo(granted);
    assertThat(Solo5Hvt.PROTOCOL_WITHOUT_RING.open(Image.of("test", image)).memoryByteSize(MIB))
        .isEqualTo(2 * MIB);
  }
}
