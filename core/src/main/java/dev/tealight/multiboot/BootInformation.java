// SPDX-License-Identifier: ISC
package dev.tealight.multiboot;

import dev.tealight.ConfigurationException;
import dev.tealight.multiboot.Multiboot.Module;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * What the kernel finds at the address in EBX, and what that points to. All of it is in low memory,
 * where no kernel is loaded, and not in page 0, which some kernels do not map.
 *
 * @see "Multiboot Specification, 3.3 (boot information format)"
 */
final class BootInformation {

  /** Where it starts. */
  static final long ADDRESS = 0x9000;

  /** Where the firmware's data would begin on a PC. */
  private static final long LIMIT = 0x80000;

  private static final long LOW_MEMORY_END = 0xa0000;
  private static final long HIGH_MEMORY = 0x100000;

  private static final int BYTE_SIZE = 120;
  private static final int MAP_ENTRY_BYTE_SIZE = 24;
  private static final int MODULE_BYTE_SIZE = 16;

  private static final int HAS_MEMORY = 1;
  private static final int HAS_COMMAND_LINE = 1 << 2;
  private static final int HAS_MODULES = 1 << 3;
  private static final int HAS_MAP = 1 << 6;
  private static final int HAS_LOADER_NAME = 1 << 9;

  private static final int AVAILABLE = 1;
  private static final int RESERVED = 2;

  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** A module with its place. */
  record Placed(long start, Module module) {
    long end() {
      return start + module.content().length;
    }
  }

  private final MemorySegment memory;
  private long free = ADDRESS;

  BootInformation(MemorySegment memory) {
    this.memory = memory;
  }

  void write(String kernelName, List<String> arguments, List<Placed> modules) {
    long info = take(BYTE_SIZE, "the boot information");
    memory.set(
        INT,
        info,
        HAS_MEMORY
            | HAS_COMMAND_LINE
            | (modules.isEmpty() ? 0 : HAS_MODULES)
            | HAS_MAP
            | HAS_LOADER_NAME);
    memory.set(INT, info + 4, (int) (LOW_MEMORY_END >>> 10));
    memory.set(INT, info + 8, (int) ((memory.byteSize() - HIGH_MEMORY) >>> 10));
    long map = writeMap();
    memory.set(INT, info + 44, (int) (free - map));
    memory.set(INT, info + 48, (int) map);
    long list = writeModules(modules);
    memory.set(INT, info + 20, modules.size());
    memory.set(INT, info + 24, (int) list);
    memory.set(INT, info + 64, (int) writeText("Tealight", "the loader's name"));
    String line = kernelName + (arguments.isEmpty() ? "" : " " + String.join(" ", arguments));
    memory.set(INT, info + 16, (int) writeText(line, "the guest's arguments"));
  }

  private long writeMap() {
    long map = free;
    mapEntry(0, LOW_MEMORY_END, AVAILABLE);
    mapEntry(LOW_MEMORY_END, HIGH_MEMORY, RESERVED);
    mapEntry(HIGH_MEMORY, memory.byteSize(), AVAILABLE);
    return map;
  }

  private void mapEntry(long start, long end, int type) {
    long at = take(MAP_ENTRY_BYTE_SIZE, "the memory map");
    memory.set(INT, at, MAP_ENTRY_BYTE_SIZE - Integer.BYTES); // its own size does not count
    memory.set(LONG, at + 4, start);
    memory.set(LONG, at + 12, end - start);
    memory.set(INT, at + 20, type);
  }

  private long writeModules(List<Placed> modules) {
    long list = take((long) MODULE_BYTE_SIZE * modules.size(), "the list of modules");
    for (int i = 0; i < modules.size(); i++) {
      Placed module = modules.get(i);
      long at = list + (long) MODULE_BYTE_SIZE * i;
      memory.set(INT, at, (int) module.start());
      memory.set(INT, at + 4, (int) module.end());
      memory.set(INT, at + 8, (int) writeText(module.module().text(), "the text of module " + i));
    }
    return list;
  }

  private long writeText(String text, String what) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    if (text.indexOf('\0') >= 0) {
      throw new ConfigurationException("%s has a zero byte, which would end it".formatted(what));
    }
    long at = take(bytes.length + 1L, what);
    MemorySegment.copy(bytes, 0, memory, ValueLayout.JAVA_BYTE, at, bytes.length);
    return at;
  }

  private long take(long byteSize, String what) {
    long at = free;
    if (byteSize > LIMIT - at) {
      throw new ConfigurationException(
          "%s of %d bytes is too long: with all else the kernel is told, there is room for %d"
              .formatted(what, byteSize, LIMIT - at));
    }
    free = (at + byteSize + 7) & -8;
    return at;
  }
}
