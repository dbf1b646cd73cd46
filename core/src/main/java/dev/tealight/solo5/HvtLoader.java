// SPDX-License-Identifier: ISC
package dev.tealight.solo5;

import dev.tealight.ConfigurationException;
import dev.tealight.GuestMemory;
import dev.tealight.Region;
import dev.tealight.solo5.HvtImage.Segment;
import dev.tealight.spi.BootContext;
import dev.tealight.spi.BootContext.AttachedDevice;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Puts an image and what it is told at start into guest memory. */
final class HvtLoader {
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  static final int RING_OFFERED = 1;

  private HvtLoader() {}

  static void load(
      HvtImage image, BootContext context, GuestMemory memory, long byteSize, boolean offersRing) {
    MemorySegment target = memory.unrestricted();
    List<Region> regions = new ArrayList<>();
    for (int i = 0; i < image.segments().size(); i++) {
      Segment segment = image.segments().get(i);
      byte[] content = image.content(i);
      MemorySegment.copy(content, 0, target, ValueLayout.JAVA_BYTE, segment.gpa(), content.length);
      regions.add(
          new Region(segment.start(), segment.end() - segment.start(), segment.protection()));
    }
    context.vm().protect(regions);

    long manifest = HvtAbi.BOOT_INFO + HvtAbi.BOOT_INFO_BYTE_SIZE;
    long commandLine = manifest + image.manifest().byteSize();
    MemorySegment info = target.asSlice(HvtAbi.BOOT_INFO, HvtAbi.BOOT_INFO_BYTE_SIZE);
    info.set(LONG, 0, byteSize);
    info.set(LONG, 8, image.end());
    info.set(LONG, 16, context.vcpu().cycleCounterHz());
    info.set(LONG, 24, commandLine);
    info.set(LONG, 32, manifest);
    if (offersRing) {
      info.set(INT, 40, RING_OFFERED);
      info.set(LONG, 48, byteSize);
    }
    writeManifest(
        image.manifest(), context.devices(), target.asSlice(manifest, image.manifest().byteSize()));
    writeCommandLine(
        context.arguments(), target.asSlice(commandLine, HvtAbi.COMMAND_LINE_BYTE_SIZE));
  }

  /** The guest learns what a device is like from its copy of the manifest alone. */
  private static void writeManifest(
      Manifest manifest, List<AttachedDevice> devices, MemorySegment target) {
    target.set(INT, 0, Manifest.VERSION);
    target.set(INT, 4, manifest.entries().size() + 1);
    target.set(INT, Manifest.HEADER_BYTE_SIZE + Manifest.TYPE_OFFSET, Manifest.TYPE_RESERVED);
    for (int i = 0; i < manifest.entries().size(); i++) {
      Manifest.Entry entry = manifest.entries().get(i);
      long at = Manifest.HEADER_BYTE_SIZE + Manifest.ENTRY_BYTE_SIZE * (i + 1L);
      byte[] name = entry.name().getBytes(StandardCharsets.US_ASCII);
      MemorySegment.copy(name, 0, target, ValueLayout.JAVA_BYTE, at, name.length);
      target.set(INT, at + Manifest.TYPE_OFFSET, entry.type());
    }
    for (AttachedDevice device : devices) {
      long at =
          Manifest.HEADER_BYTE_SIZE + Manifest.ENTRY_BYTE_SIZE * (long) device.declared().handle();
      MemorySegment properties = device.properties();
      MemorySegment.copy(
          properties, 0, target, at + Manifest.PROPERTIES_OFFSET, properties.byteSize());
      target.set(ValueLayout.JAVA_BYTE, at + Manifest.ATTACHED_OFFSET, (byte) 1);
    }
  }

  private static void writeCommandLine(List<String> arguments, MemorySegment target) {
    byte[] text = String.join(" ", arguments).getBytes(StandardCharsets.UTF_8);
    if (text.length >= HvtAbi.COMMAND_LINE_BYTE_SIZE) {
      throw new ConfigurationException(
          "guest arguments of %d bytes are too long: give at most %d"
              .formatted(text.length, HvtAbi.COMMAND_LINE_BYTE_SIZE - 1));
    }
    for (byte character : text) {
      if (character == 0) {
        throw new ConfigurationException(
            "guest arguments contain a zero byte, which would end them");
      }
    }
    MemorySegment.copy(text, 0, target, ValueLayout.JAVA_BYTE, 0, text.length);
  }
}
