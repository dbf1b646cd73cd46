// SPDX-License-Identifier: ISC
package dev.tealight.device;

/** What the run loop does after a {@link GuestCallHandler}. */
public enum Outcome {
  /** Run the guest on. */
  CONTINUE,
  /** Sleep as {@link GuestCall#waitFor} said, then call {@link GuestCallHandler#resume}. */
  WAIT,
  /** End the run with the result given to {@link GuestCall#end}. */
  END
}
