// SPDX-License-Identifier: ISC
package dev.tealight;

import java.time.Duration;
import java.util.Optional;

/** How a run ended. Only failures of the host are exceptions instead. */
public sealed interface RunResult {

  /**
   * The guest ended by itself.
   *
   * @param status what it gave as its exit status, all 32 bits
   * @param cookie the guest physical address of what it left behind for a post-mortem, or 0
   * @param remark what the backend has to say about the run, for people: for instance an
   *     instruction that it does not support, which the guest met; empty unless there was something
   */
  record Halted(int status, long cookie, Optional<String> remark) implements RunResult {
    /**
     * The guest ended by itself, and there is nothing to say about it.
     *
     * @param status what it gave as its exit status
     * @param cookie the guest physical address of what it left behind for a post-mortem, or 0
     */
    public Halted(int status, long cookie) {
      this(status, cookie, Optional.empty());
    }

    /**
     * The guest ended by itself and left nothing behind.
     *
     * @param status what it gave as its exit status
     */
    public Halted(int status) {
      this(status, 0);
    }
  }

  /**
   * The guest did something that it may not or that cannot be carried out.
   *
   * @param exit the exit that showed it
   * @param registers of the vCPU at that exit; empty if the host does not give them any more
   * @param reason what it did, for people
   */
  record Faulted(VmExit exit, Optional<CpuState> registers, String reason) implements RunResult {}

  /** Somebody stopped it. */
  record Stopped() implements RunResult {}

  /**
   * It ran for longer than allowed.
   *
   * @param limit what was allowed
   */
  record DeadlineExceeded(Duration limit) implements RunResult {}
}
