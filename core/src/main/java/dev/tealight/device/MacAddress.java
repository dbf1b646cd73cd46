// SPDX-License-Identifier: ISC
package dev.tealight.device;

import dev.tealight.ConfigurationException;
import java.util.HexFormat;

/**
 * The address of a network device: 48 bits.
 *
 * @param bits the address as it is written, its first byte in bits 47 to 40
 */
public record MacAddress(long bits) {

  /** Bytes of an address. */
  public static final int BYTE_SIZE = 6;

  private static final long MASK = 0xffff_ffff_ffffL;
  private static final long LOCALLY_ADMINISTERED = 0x0200_0000_0000L;
  private static final long GROUP = 0x0100_0000_0000L;

  /**
   * Refuses more than 48 bits.
   *
   * @throws IllegalArgumentException if there are more
   */
  public MacAddress {
    if ((bits & ~MASK) != 0) {
      throw new IllegalArgumentException("address 0x%x has more than 48 bits".formatted(bits));
    }
  }

  /**
   * Reads an address.
   *
   * @param text six groups of one or two hexadecimal digits, for instance {@code 02:0:0:0:0:1}
   * @return an address of one device
   * @throws ConfigurationException if it is none, or one of a group, or zero
   */
  public static MacAddress parse(String text) {
    String[] groups = text.split(":", -1);
    long bits = 0;
    boolean valid = groups.length == BYTE_SIZE;
    for (int i = 0; valid && i < BYTE_SIZE; i++) {
      valid = !groups[i].isEmpty() && groups[i].length() <= 2;
      for (int j = 0; valid && j < groups[i].length(); j++) {
        valid = HexFormat.isHexDigit(groups[i].charAt(j));
      }
      bits = valid ? (bits << 8) | HexFormat.fromHexDigits(groups[i]) : 0;
    }
    if (bits == 0 || (bits & GROUP) != 0) {
      throw new ConfigurationException(
          "MAC address %s: give six groups of hexadecimal digits, the first one even, for instance 02:00:00:00:00:01"
              .formatted(text));
    }
    return new MacAddress(bits);
  }

  /**
   * {@return a locally administered address, the same for the same words}
   *
   * @param words what identifies the device
   */
  public static MacAddress derivedFrom(String... words) {
    long hash = 0xcbf29ce484222325L; // FNV-1a
    for (String word : words) {
      for (int i = 0; i <= word.length(); i++) {
        // A word ends with a character of its own, so that its end counts.
        hash = (hash ^ (i < word.length() ? word.charAt(i) : 0xffff)) * 0x100000001b3L;
      }
    }
    // Its low bits depend on few characters: fold the high ones in.
    hash ^= hash >>> 29;
    return new MacAddress((hash & MASK & ~GROUP) | LOCALLY_ADMINISTERED);
  }

  /** {@return its six bytes, in the order in which they travel} */
  public byte[] toBytes() {
    byte[] bytes = new byte[BYTE_SIZE];
    for (int i = 0; i < BYTE_SIZE; i++) {
      bytes[i] = (byte) (bits >>> (8 * (BYTE_SIZE - 1 - i)));
    }
    return bytes;
  }

  @Override
  public String toString() {
    return HexFormat.ofDelimiter(":").formatHex(toBytes());
  }
}
