// SPDX-License-Identifier: ISC
package dev.tealight.device.block.internal;

import dev.tealight.ConfigurationException;
import dev.tealight.device.DeviceConfig;
import dev.tealight.device.block.BlockConfig;
import dev.tealight.spi.DeviceProvider;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Block devices for programs that name them in text. */
public final class BlockDeviceProvider implements DeviceProvider {
  private static final Option FILE =
      new Option("block", "PATH", "attach the file or block device at PATH");
  private static final Option SECTOR_SIZE =
      new Option(
          "block-sector-size",
          "BYTES",
          "sector size told to the guest: a power of two, 512 to 32768; 512 unless given");

  /** Creates one, for the service loader. */
  public BlockDeviceProvider() {}

  @Override
  public String type() {
    return BlockDevice.TYPE;
  }

  @Override
  public List<Option> options() {
    return List.of(FILE, SECTOR_SIZE);
  }

  @Override
  public DeviceConfig configure(String name, Map<String, String> values) {
    String path = values.getOrDefault(FILE.name(), "");
    if (path.isEmpty()) {
      throw new ConfigurationException(
          "device %s: --block:%s= needs the path of a file or block device".formatted(name, name));
    }
    BlockConfig config;
    try {
      config = BlockConfig.file(Path.of(path));
    } catch (InvalidPathException e) {
      throw new ConfigurationException(
          "device %s: %s is no path: %s".formatted(name, path, e.getReason()), e);
    }
    String sectorSize = values.get(SECTOR_SIZE.name());
    return sectorSize == null ? config : config.sectorByteSize(sectorSize);
  }
}
