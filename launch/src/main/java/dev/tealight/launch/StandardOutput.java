// SPDX-License-Identifier: ISC
package dev.tealight.launch;

import dev.tealight.Console;
import dev.tealight.RunHandle;
import java.io.IOException;
import java.io.OutputStream;
import org.jspecify.annotations.Nullable;

/** The guest's output, which ends the run when nobody takes it any more. */
final class StandardOutput implements Console.Sink {
  private final OutputStream stream;
  private volatile @Nullable IOException failure;
  private volatile @Nullable RunHandle handle;

  StandardOutput(OutputStream stream) {
    this.stream = stream;
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    try {
      stream.write(bytes, offset, length);
    } catch (IOException e) {
      failure = e;
      stop();
      throw e;
    }
  }

  /**
   * Ends a run when writing fails, or has failed before.
   *
   * @param run to be stopped
   */
  void stopOnFailure(RunHandle run) {
    handle = run;
    if (failure != null) {
      stop();
    }
  }

  private void stop() {
    RunHandle run = handle;
    if (run != null) {
      run.stop();
    }
  }

  /** {@return why writing failed, or null} */
  @Nullable IOException failure() {
    return failure;
  }
}
