// SPDX-License-Identifier: ISC
package dev.tealight.device.net.internal;

import dev.tealight.ReadinessSource;
import dev.tealight.device.FrameLink;
import dev.tealight.ffi.posix.Descriptor;
import dev.tealight.ffi.posix.HostCalls;
import java.io.IOException;
import java.lang.foreign.MemorySegment;

/** A tap: each frame is one call of the host. */
public final class TapLink implements FrameLink {
  private final TapSystem system;
  private final HostCalls host;
  private final Descriptor tap;
  private final boolean owned;
  private final String what;
  private final int mtu;
  private final PolledReadiness readiness;

  TapLink(TapSystem system, HostCalls host, Descriptor tap, boolean owned, String what, int mtu) {
    this.system = system;
    this.host = host;
    this.tap = tap;
    this.owned = owned;
    this.what = what;
    this.mtu = mtu;
    this.readiness = new PolledReadiness(host, tap.number());
  }

  /**
   * Attaches to an interface.
   *
   * @param name of the interface
   * @return a link that the caller closes
   * @throws IOException if the host refuses; names the interface and says what to do
   */
  public static TapLink open(String name) throws IOException {
    return TapSystem.here("tap " + name).named(name);
  }

  /**
   * Uses an open descriptor.
   *
   * @param number of the descriptor, left open
   * @return a link that the caller closes
   * @throws IOException if it is no descriptor of a plain tap
   */
  public static TapLink over(int number) throws IOException {
    return TapSystem.here("tap descriptor " + number).descriptor(number);
  }

  @Override
  public int mtu() {
    return mtu;
  }

  @Override
  public void send(MemorySegment memory, long offset, int byteSize) throws IOException {
    long result = host.write(tap.number(), memory, offset, byteSize);
    if (result > 0) {
      return;
    }
    if (result == 0) { // FreeBSD's answer, who takes no part of a frame
      throw system.isDown(what);
    }
    // Full queues lose frames, here as on a cable.
    if (!system.isFull((int) -result)) {
      throw failure("write", (int) -result);
    }
  }

  @Override
  public int receive(MemorySegment memory, long offset, int byteSize) throws IOException {
    readiness.taken();
    long result = host.read(tap.number(), memory, offset, byteSize);
    if (result < 0) {
      if (result == -host.tryAgain()) {
        return 0;
      }
      throw failure("read", (int) -result);
    }
    return (int) result;
  }

  private IOException failure(String call, int errno) {
    return Host.failure(Descriptor.failure(host, errno, call, what + system.remedy(errno, what)));
  }

  @Override
  public ReadinessSource readiness() {
    return readiness;
  }

  @Override
  public void close() throws IOException {
    readiness.close();
    if (owned) {
      tap.close();
    }
  }
}
