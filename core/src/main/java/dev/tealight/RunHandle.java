// SPDX-License-Identifier: ISC
package dev.tealight;

import dev.tealight.internal.run.Execution;
import java.time.Duration;
import java.util.Optional;

/** A run under way, or ended. Any thread may use it. */
public final class RunHandle {
  private final Execution execution;

  RunHandle(Execution execution) {
    this.execution = execution;
  }

  /**
   * Waits until the run ends.
   *
   * @return how it ended
   * @throws InterruptedException if the calling thread is interrupted; the run goes on
   * @throws VmmException if the host failed
   */
  public RunResult await() throws InterruptedException {
    return execution.await();
  }

  /**
   * Waits for a while until the run ends.
   *
   * @param timeout how long at the most, waiting for the console to take the output included
   * @return how it ended, or empty if it has not
   * @throws InterruptedException if the calling thread is interrupted; the run goes on
   * @throws VmmException if the host failed
   */
  public Optional<RunResult> await(Duration timeout) throws InterruptedException {
    return execution.await(timeout);
  }

  /**
   * {@return how the run ended, or empty if it has not}
   *
   * @throws VmmException if the host failed
   */
  public Optional<RunResult> result() {
    return execution.result();
  }

  /**
   * Ends the run with {@link RunResult.Stopped}, unless it has ended already. Returns at once; see
   * {@link #await()}.
   */
  public void stop() {
    execution.stop();
  }

  /**
   * Makes the guest stand still between two of its exits, with nothing half-done. Returns when it
   * does, or has ended. Harmless if it is paused already. The guest's clocks go on.
   *
   * @throws InterruptedException if the calling thread is interrupted; the guest may then stand
   *     still or not
   * @throws IllegalStateException on the guest's own thread, which would wait for itself
   */
  public void pause() throws InterruptedException {
    execution.pause();
  }

  /** Lets a paused guest go on; harmless if it is not paused. */
  public void resume() {
    execution.resume();
  }
}
