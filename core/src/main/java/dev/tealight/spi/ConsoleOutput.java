// SPDX-License-Identifier: ISC
package dev.tealight.spi;

import dev.tealight.device.GuestCall;
import dev.tealight.device.Outcome;

/** The guest's end of its {@link dev.tealight.Console}. vCPU thread only. */
public interface ConsoleOutput {

  /**
   * Takes bytes from guest memory, waiting for room if need be.
   *
   * @param call the request that carries them
   * @param gpa of the first byte, unchecked
   * @param byteSize how many, unsigned, unchecked
   * @return what the handler returns; after {@link Outcome#WAIT} its {@code resume} calls {@link
   *     #resume}
   * @throws dev.tealight.GuestAccessException if the guest may not read the range
   */
  Outcome write(GuestCall call, long gpa, long byteSize);

  /**
   * Takes one byte that the guest sent by other means, waiting for room if need be.
   *
   * @param call the request that carries it
   * @param value the byte
   * @return what the handler returns; after {@link Outcome#WAIT} its {@code resume} calls {@link
   *     #resume}
   */
  Outcome write(GuestCall call, byte value);

  /**
   * Goes on with a write that had to wait.
   *
   * @param call the same request
   * @return what the handler returns
   */
  Outcome resume(GuestCall call);
}
