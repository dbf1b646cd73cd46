// SPDX-License-Identifier: ISC

package dev.tealight.examples;

// snippet: custom-hypercall
import dev.tealight.RunResult;
import dev.tealight.device.GuestCall;
import dev.tealight.device.GuestCallHandler;
import dev.tealight.device.Outcome;

/** A hypercall that lets a guest go on a number of times and then ends it. */
public final class Countdown implements GuestCallHandler {
  private int left;

  /**
   * Creates one.
   *
   * @param calls how many the guest has
   */
  public Countdown(int calls) {
    left = calls;
  }

  @Override
  public Outcome handle(GuestCall call) {
    left--;
    call.memory().writeInt(call.argument(), left);
    return left > 0 ? Outcome.CONTINUE : call.end(new RunResult.Halted(0));
  }
}
// end
