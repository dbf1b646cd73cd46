// SPDX-License-Identifier: ISC
package dev.tealight.device.pc.internal;

import dev.tealight.ExitKind;
import dev.tealight.device.GuestCall;
import dev.tealight.device.GuestCallHandler;
import dev.tealight.device.Outcome;

/** A chip whose registers are a byte wide: wider accesses reach their first register alone. */
abstract class BytePorts implements GuestCallHandler {

  /** {@return the register's value, 0 to 255} */
  abstract int read(int port);

  /** Sets the register to 0 to 255. */
  abstract void write(int port, int value);

  @Override
  public Outcome handle(GuestCall call) {
    int port = (int) call.exit().address();
    if (call.exit().kind() == ExitKind.IO_READ) {
      call.exit().complete(read(port) | ~0xffL);
    } else {
      write(port, (int) call.exit().value() & 0xff);
    }
    return Outcome.CONTINUE;
  }
}
