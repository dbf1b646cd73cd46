// SPDX-License-Identifier: ISC
package dev.tealight.launch;

import dev.tealight.RunHandle;
import java.io.PrintStream;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Stops the guest on SIGINT, SIGTERM and SIGHUP. These make the JVM shut down, which runs this
 * thread; the main thread meanwhile gets the guest's end and ends the process with status 1, as
 * Solo5's tender does, where the JVM would choose 130 or 143.
 */
final class Signals extends Thread {
  private final PrintStream err;
  private final Duration patience;
  private volatile @Nullable RunHandle handle;

  /**
   * Creates one, to be added as a shutdown hook.
   *
   * @param err where the message goes
   * @param patience how long the guest may take
   */
  Signals(PrintStream err, Duration patience) {
    super("signals");
    this.err = err;
    this.patience = patience;
  }

  /**
   * Sets what is stopped.
   *
   * @param run the guest's
   */
  void stop(RunHandle run) {
    handle = run;
  }

  @Override
  public void run() {
    err.println("tealight: stopped by a signal");
    RunHandle run = handle;
    if (run != null) {
      run.stop();
      try {
        Thread.sleep(patience);
      } catch (InterruptedException e) {
        // Nobody interrupts it; if somebody does, the JVM may as well end now.
      }
    }
    Runtime.getRuntime().halt(1);
  }
}
