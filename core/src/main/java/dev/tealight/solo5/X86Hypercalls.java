// SPDX-License-Identifier: ISC
package dev.tealight.solo5;

import dev.tealight.ExitFrame;
import dev.tealight.ExitKind;
import dev.tealight.device.GuestCallRegistry;
import dev.tealight.spi.HypercallConvention;

/**
 * On x86-64 a hypercall is a 4-byte write of the argument block's address to port 0x500 plus the
 * number.
 */
final class X86Hypercalls implements HypercallConvention {
  static final X86Hypercalls INSTANCE = new X86Hypercalls();

  static final int FIRST_PORT = 0x500;
  private static final int WIDTH = 4;

  private X86Hypercalls() {}

  /**
   * Claims the ports, so that no other handler can be put where hypercalls would hide it. What
   * comes here is no hypercall.
   */
  static void claim(GuestCallRegistry registry) {
    registry.ports(
        FIRST_PORT,
        GuestCallRegistry.HYPERCALL_COUNT,
        "Solo5's hypercalls",
        call ->
            call.fault(
                "the guest made a %s, which nobody serves: a hypercall is a write of %d bytes"
                    .formatted(call.exit(), WIDTH)));
  }

  @Override
  public int number(ExitFrame exit) {
    long nr = exit.address() - FIRST_PORT;
    boolean hypercall =
        exit.kind() == ExitKind.IO_WRITE
            && exit.width() == WIDTH
            && nr >= 0
            && nr < GuestCallRegistry.HYPERCALL_COUNT;
    return hypercall ? (int) nr : -1;
  }

  @Override
  public long argument(ExitFrame exit) {
    return exit.value();
  }
}
