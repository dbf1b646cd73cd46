// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.cpu;

/** Leaves an instruction before it has changed anything, because the monitor must act first. */
@SuppressWarnings("serial") // never serialised: one per processor
public final class ExitSignal extends RuntimeException {
  ExitSignal() {
    super(null, null, false, false);
  }
}
