// SPDX-License-Identifier: ISC
package dev.tealight.device.block;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tealight.ConfigurationException;
import dev.tealight.DeviceException;
import dev.tealight.device.block.internal.BlockDeviceProvider;
import dev.tealight.spi.DeviceProvider;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is refused before a device exists. */
class BlockConfigTest {
  @TempDir Path folder;

  private Path file(int byteSize) throws IOException {
    return Files.write(folder.resolve("disk.img"), new byte[byteSize]);
  }

  private static DeviceProvider provider() {
    return new BlockDeviceProvider();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"0", "-512", "256", "511", "521", "1536", "65536", "4k", "", "99999999999"})
  void sectorSizesOtherThanPowersOfTwoAreRefused(String value) {
    assertThatThrownBy(() -> BlockConfig.memory(4096).sectorByteSize(value))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(
            "Block size must be a multiple of 2 greater than or equal 512: %s is no power of two"
                + " from 512 to 32768",
            value);
  }

  @ParameterizedTest
  @ValueSource(ints = {512, 1024, 4096, 32768})
  void powersOfTwoAreSectorSizes(int value) {
    assertThatCode(() -> BlockConfig.memory(32768).sectorByteSize(value).create("d").close())
        .doesNotThrowAnyException();
  }

  @Test
  void capacityMustBeWholeSectors() throws IOException {
    Path path = file(6144);
    assertThatThrownBy(() -> BlockConfig.file(path).sectorByteSize(4096).create("storage"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(
            "device storage: Backing storage size must be block aligned (4096 bytes), but file %s"
                + " holds 6144 bytes",
            path);
  }

  @Test
  void capacityMustBeAtLeastOneSector() throws IOException {
    Path path = file(0);
    assertThatThrownBy(() -> BlockConfig.file(path).create("storage"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("holds 0 bytes, less than one block of 512 bytes");
  }

  @Test
  void fileThatCannotBeOpenedIsNamedWithTheReason() {
    Path missing = folder.resolve("missing");
    assertThatThrownBy(() -> BlockConfig.file(missing).create("storage"))
        .isInstanceOf(DeviceException.class)
        .hasMessage("device storage: file %s cannot be opened: no such file", missing);
    assertThatThrownBy(() -> BlockConfig.file(folder).readOnly().create("storage"))
        .isInstanceOf(DeviceException.class)
        .hasMessage("device storage: file %s cannot be opened: is a directory", folder);
  }

  @Test
  void channelThatCannotDoWhatTheGuestWillAskForIsRefused() throws IOException {
    Path path = file(512);
    try (FileChannel reading = FileChannel.open(path, StandardOpenOption.READ);
        FileChannel writing = FileChannel.open(path, StandardOpenOption.WRITE)) {
      assertThatThrownBy(() -> BlockConfig.channel(reading).create("storage"))
          .isInstanceOf(DeviceException.class)
          .hasMessage(
              "device storage: channel cannot be opened: it is open for reading only: use"
                  + " readOnly()");
      assertThatThrownBy(() -> BlockConfig.channel(writing).readOnly().create("storage"))
          .isInstanceOf(DeviceException.class)
          .hasMessage("device storage: channel cannot be opened: it is not open for reading");
    }
  }

  @Test
  void channelStaysOpenAfterItsDevice() throws IOException {
    try (FileChannel channel = FileChannel.open(file(512))) {
      BlockConfig.channel(channel).readOnly().create("storage").close();
      assertThat(channel.isOpen()).isTrue();
    }
  }

  @Test
  void providerMakesDevicesFromText() throws IOException {
    DeviceProvider provider = provider();
    assertThat(provider.type()).isEqualTo("BLOCK_BASIC");
    assertThat(provider.options())
        .extracting(DeviceProvider.Option::name)
        .containsExactly("block", "block-sector-size");
    Map<String, String> values =
        Map.of("block", file(8192).toString(), "block-sector-size", "4096");
    assertThatCode(() -> provider.configure("storage", values).create("storage").close())
        .doesNotThrowAnyException();
  }

  @Test
  void providerNamesTheOptionThatCannotBe() {
    assertThatThrownBy(() -> provider().configure("storage", Map.of("block", "")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("--block:storage=");
    assertThatThrownBy(() -> provider().configure("storage", Map.of("block", "a\0b")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("is no path");
    assertThatThrownBy(
            () ->
                provider()
                    .configure("storage", Map.of("block", "disk", "block-sector-size", "521")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("Block size must be a multiple of 2 greater than or equal 512");
  }
}
