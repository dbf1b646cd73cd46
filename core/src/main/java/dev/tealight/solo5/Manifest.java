// SPDX-License-Identifier: ISC
package dev.tealight.solo5;

import dev.tealight.ImageException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The devices that a Solo5 image declares.
 *
 * @param entries in the image's order; an entry's place, counted from 1, is its device's handle
 * @see "Solo5 v0.12.1, include/mft_abi.h"
 */
public record Manifest(List<Entry> entries) {

  /** The manifest version that is read. */
  public static final int VERSION = 1;

  /** How many devices a manifest can declare. */
  public static final int MAX_DEVICES = 63;

  static final int HEADER_BYTE_SIZE = 8;
  static final int ENTRY_BYTE_SIZE = 104;
  static final int NAME_BYTE_SIZE = 68;
  static final int TYPE_OFFSET = 68;
  static final int PROPERTIES_OFFSET = 72;
  static final int ATTACHED_OFFSET = 96;
  static final int TYPE_NET = 2;

  static final int TYPE_RESERVED = 0x40000000;

  /**
   * A declared device.
   *
   * @param name 1 to 67 characters
   * @param type the ABI's number
   */
  public record Entry(String name, int type) {

    /** {@return the word for its type, or its number where there is none} */
    public String typeName() {
      return switch (type) {
        case 1 -> "BLOCK_BASIC";
        case TYPE_NET -> "NET_BASIC";
        default -> "0x%x".formatted(type);
      };
    }
  }

  /** Makes the list immutable. */
  public Manifest {
    entries = List.copyOf(entries);
  }

  /** {@return the bytes of the manifest in its binary form, the reserved first entry included} */
  int byteSize() {
    return HEADER_BYTE_SIZE + ENTRY_BYTE_SIZE * (entries.size() + 1);
  }

  /**
   * Reads the binary form.
   *
   * @param imageName for messages
   * @param content little-endian, not changed meanwhile
   * @throws ImageException if it is invalid; says why
   */
  static Manifest parse(String imageName, ByteBuffer content) {
    int byteSize = content.remaining();
    if (byteSize < HEADER_BYTE_SIZE) {
      throw invalid(
          imageName,
          "it has %d bytes, its header alone needs %d".formatted(byteSize, HEADER_BYTE_SIZE));
    }
    int version = content.getInt(0);
    if (version != VERSION) {
      throw invalid(imageName, "its version is %d, expected %d".formatted(version, VERSION));
    }
    long count = Integer.toUnsignedLong(content.getInt(4));
    if (count < 1 || count > MAX_DEVICES + 1) {
      throw invalid(
          imageName, "it has %d entries, expected 1 to %d".formatted(count, MAX_DEVICES + 1));
    }
    if (byteSize != HEADER_BYTE_SIZE + ENTRY_BYTE_SIZE * count) {
      throw invalid(imageName, "it has %d bytes for %d entries".formatted(byteSize, count));
    }
    Entry reserved = entry(imageName, content, 0);
    if (reserved.type() != TYPE_RESERVED || !reserved.name().isEmpty()) {
      throw invalid(imageName, "its first entry is not the reserved one");
    }
    List<Entry> entries = new ArrayList<>();
    Set<String> names = new HashSet<>();
    for (int i = 1; i < count; i++) {
      Entry entry = entry(imageName, content, i);
      if (entry.name().isEmpty()) {
        throw invalid(imageName, "entry %d has no name".formatted(i));
      }
      if (!names.add(entry.name())) {
        throw invalid(
            imageName, "entry %d has the name of an earlier one: %s".formatted(i, entry.name()));
      }
      entries.add(entry);
    }
    return new Manifest(entries);
  }

  private static Entry entry(String imageName, ByteBuffer content, int index) {
    int at = HEADER_BYTE_SIZE + ENTRY_BYTE_SIZE * index;
    if (content.get(at + NAME_BYTE_SIZE - 1) != 0) {
      throw invalid(imageName, "the name of entry %d does not end with a zero".formatted(index));
    }
    if (content.get(at + ATTACHED_OFFSET) != 0) {
      throw invalid(imageName, "entry %d says that it is attached already".formatted(index));
    }
    int length = 0;
    while (content.get(at + length) != 0) {
      length++;
    }
    byte[] name = new byte[length];
    content.get(at, name);
    for (byte character : name) {
      if (!isAlphanumeric(character)) {
        throw invalid(
            imageName,
            "the name of entry %d has the byte 0x%02x, only letters and digits may be there"
                .formatted(index, character));
      }
    }
    return new Entry(new String(name, StandardCharsets.US_ASCII), content.getInt(at + TYPE_OFFSET));
  }

  private static boolean isAlphanumeric(byte c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  }

  private static ImageException invalid(String imageName, String why) {
    return new ImageException("manifest of image %s is invalid: %s".formatted(imageName, why));
  }
}
