// SPDX-License-Identifier: ISC
package dev.tealight.tender;

/** The little of JSON that cannot be written with a format string. */
final class Json {
  private Json() {}

  /** {@return a string with its quotes} */
  static String string(String value) {
    StringBuilder text = new StringBuilder("\"");
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      if (c == '"' || c == '\\') {
        text.append('\\').append(c);
      } else if (c < ' ') {
        text.append("\\u%04x".formatted((int) c));
      } else {
        text.append(c);
      }
    }
    return text.append('"').toString();
  }
}
