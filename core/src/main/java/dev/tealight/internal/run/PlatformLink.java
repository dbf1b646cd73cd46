// SPDX-License-Identifier: ISC
package dev.tealight.internal.run;

/** What a run loop does for a guest on a platform. vCPU thread only. */
interface PlatformLink {

  /** {@return who serves the exit of a halted vCPU} */
  HandlerTable.Entry halt();

  /** {@return who lets devices take what came from outside, between two runs of the guest} */
  HandlerTable.Entry poll();

  /** Sees to it that interrupts reach the guest. Called before each entry; allocates nothing. */
  void beforeEntry();
}
