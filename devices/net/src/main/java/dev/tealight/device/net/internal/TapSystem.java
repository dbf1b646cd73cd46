// SPDX-License-Identifier: ISC
package dev.tealight.device.net.internal;

import dev.tealight.ConfigurationException;
import dev.tealight.HostCallException;
import dev.tealight.ffi.posix.Descriptor;
import dev.tealight.ffi.posix.HostCalls;
import dev.tealight.ffi.posix.Ioctl;
import dev.tealight.ffi.posix.LinuxAbi;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/** How taps of an operating system are attached to, and what their failures mean. */
abstract sealed class TapSystem permits LinuxTaps, FreeBsdTaps {
  /** The longest name of an interface, here as there. */
  private static final int MAX_NAME_LENGTH = 15;

  private static final int MIN_MTU = 68;
  private static final int MAX_MTU = 65521;

  /** The host's system calls. */
  final HostCalls host;

  private final MemoryLayout ifreq;
  private final Ioctl getName;
  private final Ioctl setNonBlocking;

  /**
   * Creates one.
   *
   * @param host where
   * @param ifreq {@code struct ifreq}
   * @param getName asks a tap for the name of its interface, in an ifreq
   * @param setNonBlocking FIONBIO
   */
  TapSystem(HostCalls host, MemoryLayout ifreq, Ioctl getName, Ioctl setNonBlocking) {
    this.host = host;
    this.ifreq = ifreq;
    this.getName = getName;
    this.setNonBlocking = setNonBlocking;
  }

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
   * Attaches to an interface.
   *
   * @param name of the interface
   * @return a link that the caller closes
   * @throws IOException if the host refuses; names the interface and says what to do
   */
  final TapLink named(String name) throws IOException {
    checkName(name);
    try (Arena arena = Arena.ofConfined();
        Descriptor socket = socket()) {
      // To attach to an interface that is not there would make one.
      prepare(socket, arena, name);
      Descriptor tap = openDevice(name);
      try {
        return new TapLink(this, host, tap, true, name, attach(tap, socket, arena, name));
      } catch (IOException | RuntimeException e) {
        tap.close();
        throw e;
      }
    } catch (HostCallException e) {
      throw Host.failure(e);
    }
  }

  /**
   * Uses an open descriptor.
   *
   * @param number of the descriptor, left open
   * @return a link that the caller closes
   * @throws IOException if it is no descriptor of a plain tap
   */
  final TapLink descriptor(int number) throws IOException {
    Descriptor tap = new Descriptor(host, number, "tap descriptor " + number);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment request = arena.allocate(ifreq);
      String name = name(tap, request);
      int mtu = check(tap, request, arena, name);
      tap.ioctl(setNonBlocking, arena.allocateFrom(ValueLayout.JAVA_INT, 1), "non-blocking");
      return new TapLink(this, host, tap, false, name, mtu);
    } catch (HostCallException e) {
      throw Host.failure(e);
    }
  }

  private String name(Descriptor tap, MemorySegment answer) throws IOException {
    try {
      tap.ioctl(getName, answer, "asking for its interface");
    } catch (HostCallException e) {
      throw new IOException(
          "descriptor %d is no tap (%s): %s before you pass it"
              .formatted(tap.number(), host.errnoName(e.errno()), howToOpen()),
          e);
    }
    return answer.getString(0, StandardCharsets.US_ASCII);
  }

  private static void checkName(String name) {
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

  /** {@return a socket to ask about interfaces, closed by the caller} */
  final Descriptor socket() {
    long result = host.socket(LinuxAbi.AF_INET, LinuxAbi.SOCK_DGRAM);
    return new Descriptor(
        host, (int) Descriptor.check(host, result, "socket", "AF_INET"), "socket");
  }

  /**
   * {@return an {@code ifreq} about an interface}
   *
   * @param arena that holds it
   * @param name of the interface
   */
  final MemorySegment request(Arena arena, String name) {
    MemorySegment request = arena.allocate(ifreq);
    request.setString(0, name, StandardCharsets.US_ASCII);
    return request;
  }

  /**
   * Refuses an interface that is down.
   *
   * @param flags of the interface
   * @param name of the interface
   */
  final void checkUp(int flags, String name) throws IOException {
    if ((flags & LinuxAbi.IFF_UP) == 0) {
      throw isDown(name);
    }
  }

  /**
   * {@return what to throw for an interface that is down}
   *
   * @param name of the interface
   */
  final IOException isDown(String name) {
    return new IOException("network interface %s is down: %s".formatted(name, howToRaise(name)));
  }

  /**
   * {@return an MTU that a guest may be told}
   *
   * @param mtu of an interface
   */
  static int told(int mtu) {
    return Math.clamp(mtu, MIN_MTU, MAX_MTU);
  }

  /**
   * Checks an interface before it is attached to.
   *
   * @throws IOException if it is not there; says what to do
   */
  abstract void prepare(Descriptor socket, Arena arena, String name) throws IOException;

  /**
   * {@return the device that leads to an interface, or to all of them}
   *
   * @throws IOException if it cannot be opened; says what to do
   */
  abstract Descriptor openDevice(String name) throws IOException;

  /**
   * Attaches a device to its interface.
   *
   * @return the interface's MTU
   * @throws IOException if the host refuses; says what to do
   */
  abstract int attach(Descriptor tap, Descriptor socket, Arena arena, String name)
      throws IOException;

  /**
   * Checks an open tap.
   *
   * @param answer to the question for its interface
   * @return the interface's MTU
   * @throws IOException if its frames have headers, or are none of Ethernet
   */
  abstract int check(Descriptor tap, MemorySegment answer, Arena arena, String name)
      throws IOException;

  /** {@return how a descriptor becomes one of a tap} */
  abstract String howToOpen();

  /**
   * {@return whether a frame that could not be written is lost for want of room, as on a cable}
   *
   * @param errno of the write
   */
  abstract boolean isFull(int errno);

  /**
   * {@return why a frame could not be read or written and what to do, or nothing}
   *
   * @param errno of the call
   * @param name of the interface
   */
  abstract String remedy(int errno, String name);

  /**
   * {@return what to do about an interface that is down}
   *
   * @param name of the interface
   */
  abstract String howToRaise(String name);
}
