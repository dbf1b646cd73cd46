// SPDX-License-Identifier: ISC
package dev.tealight.launch;

/** The entry of a monitor without devices. All words are the guest's. */
public final class Main {
  private Main() {}

  /**
   * Runs the unikernel and ends the JVM with its status.
   *
   * @param words of the command line
   */
  public static void main(String[] words) {
    BuiltMonitor.main(words, null);
  }
}
