// SPDX-License-Identifier: ISC
package dev.tealight.device.net.internal;

import dev.tealight.ConfigurationException;
import dev.tealight.HostCallException;
import dev.tealight.ffi.posix.Descriptor;
import dev.tealight.ffi.posix.HostCalls;
import dev.tealight.ffi.posix.Ioctl;
import dev.tealight.ffi.posix.LinuxAbi;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/** How taps of an operating system are attached to, and what their failures mean. */
interface TapSystem {
  /** The longest name of an interface, here as there. */
  int MAX_NAME_LENGTH = 15;

  /**
   * Attaches to an interface.
   *
   * @param name of the interface
   * @return a link that the caller closes
   * @throws IOException if the host refuses; names the interface and says what to do
   */
  TapLink named(String name) throws IOException;

  /**
   * Uses an open descriptor.
   *
   * @param number of the descriptor, left open
   * @return a link that the caller closes
   * @throws IOException if it is no descriptor of a plain tap
   */
  TapLink descriptor(int number) throws IOException;

  /**
   * {@return whether a frame that could not be written is lost for want of room, as on a cable}
   *
   * @param errno of the write
   */
  boolean isFull(int errno);

  /**
   * {@return why a frame could not be read or written and what to do, or nothing}
   *
   * @param errno of the call
   * @param name of the interface
   */
  String remedy(int errno, String name);

  /**
   * {@return what to do about an interface that is down}
   *
   * @param name of the interface
   */
  String raise(String name);

  /**
   * {@return the taps of this host}
   *
   * @param what needs them, for the message
   * @throws IOException if the host's calls are not known or not permitted
   */
  static TapSystem here(String what) throws IOException {
    boolean freeBsd = System.getProperty("os.name").equals("FreeBSD");
    return freeBsd ? new FreeBsdTaps(Host.calls(what)) : new LinuxTaps(Host.calls(what));
  }

  /**
   * Refuses what names no interface.
   *
   * @param name to be checked
   */
  static void checkName(String name) {
    boolean plain = !name.isEmpty() && name.length() <= MAX_NAME_LENGTH;
    for (int i = 0; plain && i < name.length(); i++) {
      char c = name.charAt(i);
      plain = c > ' ' && c < 0x7f && c != '/' && c != '%';
    }
    if (!plain) {
      throw new ConfigurationException(
          "'%s' is no name of an interface: give 1 to %d characters without spaces and slashes"
              .formatted(name, MAX_NAME_LENGTH));
    }
  }

  /**
   * {@return a socket to ask about interfaces}
   *
   * @param host where
   */
  static Descriptor socket(HostCalls host) {
    long result = host.socket(LinuxAbi.AF_INET, LinuxAbi.SOCK_DGRAM);
    return new Descriptor(
        host, (int) Descriptor.check(host, result, "socket", "AF_INET"), "socket");
  }

  /**
   * {@return the name of the interface that a descriptor belongs to}
   *
   * @param host where
   * @param tap perhaps one
   * @param request that asks for it
   * @param answer a {@code struct ifreq}, filled
   * @param remedy what to do with a descriptor before it is passed
   * @throws IOException if it is no tap
   */
  static String name(
      HostCalls host, Descriptor tap, Ioctl request, MemorySegment answer, String remedy)
      throws IOException {
    try {
      tap.ioctl(request, answer, "asking for its interface");
    } catch (HostCallException e) {
      throw new IOException(
          "descriptor %d is no tap (%s): %s before you pass it"
              .formatted(tap.number(), host.errnoName(e.errno()), remedy),
          e);
    }
    return answer.getString(0, StandardCharsets.US_ASCII);
  }
}
