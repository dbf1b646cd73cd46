// SPDX-License-Identifier: ISC
package dev.tealight.solo5;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.ConfigurationException;
import dev.tealight.Image;
import dev.tealight.ImageException;
import dev.tealight.fake.FakeBoot;
import dev.tealight.solo5.HvtImage.Segment;
import dev.tealight.solo5.ImageBuilder.Device;
import dev.tealight.spi.BootImage.DeclaredDevice;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.From;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;

/** Whatever an image says, it is refused by a typed error or leads to a guest that can start. */
class HostileImagePropertyTest {
  private static final long MEMORY = 4 << 20;
  private static final byte[] VALID =
      ImageBuilder.hello().devices(new Device("a", 1), new Device("b", 0x40000000)).build();

  /** A value that parsers are known to trip over, or any other, at some place of the file. */
  record Mutation(int offset, int width, long value) {
    void apply(byte[] image) {
      for (int i = 0; i < width && offset + i < image.length; i++) {
        image[offset + i] = (byte) (value >> (8 * i));
      }
    }
  }

  @Provide
  Arbitrary<Mutation> mutations() {
    Arbitrary<Long> values =
        Arbitraries.oneOf(
            Arbitraries.of(
                0L,
                1L,
                -1L,
                -8L,
                1L << 31,
                1L << 32,
                1L << 63,
                Long.MAX_VALUE,
                0xfffff000L,
                0x100000L,
                0x1000L,
                -0x1000L,
                0x7fffffffL,
                (1L << 32) - 0x100000),
            Arbitraries.longs());
    // Header and program headers take most of the interest; notes are at the end.
    return Combinators.combine(
            Arbitraries.integers().between(0, VALID.length - 1), Arbitraries.of(1, 2, 4, 8), values)
        .as(Mutation::new);
  }

  @Property
  void mutatedImageIsRefusedOrBoots(
      @ForAll @Size(min = 1, max = 4) List<@From("mutations") Mutation> mutations) {
    byte[] image = VALID.clone();
    mutations.forEach(mutation -> mutation.apply(image));
    openAndBoot(image);
  }

  @Property
  void cutAndMutatedImageIsRefusedOrBoots(
      @ForAll @From("mutations") Mutation mutation,
      @ForAll @IntRange(min = 0, max = 2000) int length) {
    byte[] image = Arrays.copyOf(VALID, Math.min(length, VALID.length));
    mutation.apply(image);
    openAndBoot(image);
  }

  @Property
  void arbitraryManifestIsRefusedOrLeadsToDevicesWithHandles(
      @ForAll @IntRange(min = 0, max = 65) int count, @ForAll @Size(max = 400) byte[] start) {
    byte[] manifest = ImageBuilder.manifest(new Device("a", 1), new Device("b", 2));
    System.arraycopy(start, 0, manifest, 0, Math.min(start.length, manifest.length) / 8);
    manifest[4] = (byte) count;
    openAndBoot(ImageBuilder.hello().manifest(manifest).build());
  }

  private static void openAndBoot(byte[] bytes) {
    HvtImage image;
    try {
      image = Solo5Hvt.open(Image.of("test", bytes));
    } catch (ImageException e) {
      assertThat(e).hasMessageContaining("image test");
      return;
    }
    long end = HvtAbi.LOAD_BASE;
    for (Segment segment : image.segments()) {
      assertThat(segment.start()).isGreaterThanOrEqualTo(end);
      assertThat(segment.gpa()).isBetween(segment.start(), segment.end());
      assertThat(segment.end()).isBetween(segment.gpa() + 1, HvtAbi.MEMORY_LIMIT);
      assertThat(segment.fileByteSize()).isBetween(1L, segment.memoryByteSize());
      end = segment.end();
    }
    assertThat(image.devices()).extracting(DeclaredDevice::handle).allMatch(h -> h > 0 && h < 64);
    try (FakeBoot boot = new FakeBoot(MEMORY)) {
      image.boot(boot);
      assertThat(boot.vcpu().readState().instructionPointer()).isEqualTo(image.entry());
    } catch (ConfigurationException e) {
      assertThat(e).hasMessageContaining("is too small for image test");
    }
  }

  @Property
  void commandLineReachesTheGuestWholeOrIsRefused(
      @ForAll @Size(max = 5) List<@From("words") String> words) {
    byte[] expected = String.join(" ", words).getBytes(StandardCharsets.UTF_8);
    try (FakeBoot boot = new FakeBoot(MEMORY)) {
      boot.arguments = words;
      try {
        boot.boot(ImageBuilder.hello().build());
      } catch (ConfigurationException e) {
        assertThat(expected.length > 8191 || String.join("", words).contains("\0")).isTrue();
        return;
      }
      byte[] actual = new byte[expected.length + 1];
      boot.vm().memory().copyOut(0x100a8, actual, 0, actual.length);
      assertThat(actual).isEqualTo(Arrays.copyOf(expected, expected.length + 1));
    }
  }

  @Provide
  Arbitrary<String> words() {
    return Arbitraries.oneOf(
        Arbitraries.strings().ofMaxLength(50),
        Arbitraries.integers().between(2000, 8192).map("x"::repeat));
  }
}
