// SPDX-License-Identifier: ISC
package dev.tealight;

import dev.tealight.internal.console.LineSplitter;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * Where a guest's text output goes, and what happens when it cannot go there fast enough. Bytes
 * pass through as they are.
 *
 * <p>Between guest and sink stands a bounded queue with a thread of its own, started with the first
 * byte. When the queue is full, the guest waits for up to a bounded time ({@link #DEFAULT_PATIENCE}
 * unless set), after which what does not fit is dropped and counted: a slow sink slows a guest
 * down, a stuck one does not hang it. One that throws, even an {@link Error}, gets nothing more.
 * Immutable; several monitors may have the same one.
 */
public final class Console {

  /** Bytes that may be under way to the sink: 64 KiB. */
  public static final int DEFAULT_CAPACITY = 64 * 1024;

  /** How long a guest waits for a full queue before its output is dropped: 10 s. */
  public static final Duration DEFAULT_PATIENCE = Duration.ofSeconds(10);

  /** Takes output. */
  @FunctionalInterface
  public interface Sink {

    /**
     * Takes bytes; may block if it stands behind the queue.
     *
     * @param bytes valid during the call only
     * @param offset of the first
     * @param length how many, at least 1
     * @throws IOException if it cannot take them; all further output is dropped and counted
     */
    void write(byte[] bytes, int offset, int length) throws IOException;
  }

  private final Supplier<Sink> sinks;
  private final int capacity;
  private final Duration patience;
  private final boolean queued;

  private Console(Supplier<Sink> sinks, int capacity, Duration patience, boolean queued) {
    this.sinks = sinks;
    this.capacity = capacity;
    this.patience = patience;
    this.queued = queued;
  }

  /** {@return a console that drops everything} */
  public static Console discard() {
    return direct((bytes, offset, length) -> {});
  }

  /**
   * {@return a console that writes to a sink from the console's own thread}
   *
   * @param sink may block
   */
  public static Console to(Sink sink) {
    Objects.requireNonNull(sink, "sink");
    return queued(() -> sink);
  }

  private static Console queued(Supplier<Sink> sinks) {
    return new Console(sinks, DEFAULT_CAPACITY, DEFAULT_PATIENCE, true);
  }

  /**
   * {@return a console that writes to a stream from the console's own thread and flushes it after
   * each write}
   *
   * @param stream may block; stays open
   */
  public static Console to(OutputStream stream) {
    Objects.requireNonNull(stream, "stream");
    return to(
        (bytes, offset, length) -> {
          stream.write(bytes, offset, length);
          stream.flush();
        });
  }

  /**
   * {@return a console that hands over whole lines of UTF-8 text, without their line ends, from the
   * console's own thread} A line above 64 KiB comes in pieces; an unfinished last line comes when
   * the run ends.
   *
   * @param listener may block
   */
  public static Console lines(Consumer<String> listener) {
    Objects.requireNonNull(listener, "listener");
    return queued(() -> new LineSplitter(StandardCharsets.UTF_8, listener));
  }

  /**
   * {@return a console without queue and thread}
   *
   * @param sink called by the vCPU thread; must never block, since stopping the guest would block
   *     with it
   */
  public static Console direct(Sink sink) {
    Objects.requireNonNull(sink, "sink");
    return new Console(() -> sink, 0, Duration.ZERO, false);
  }

  /**
   * {@return the same console with another queue size}
   *
   * @param byteSize at least 1
   */
  public Console capacity(int byteSize) {
    if (byteSize < 1) {
      throw new ConfigurationException(
          "console capacity of %d bytes: give at least 1".formatted(byteSize));
    }
    return new Console(sinks, byteSize, patience, queued);
  }

  /**
   * {@return the same console with another bound on how long the guest waits when the queue is
   * full}
   *
   * @param patience zero drops at once what does not fit
   */
  public Console patience(Duration patience) {
    if (patience.isNegative()) {
      throw new ConfigurationException(
          "console patience of %s: give zero or more".formatted(patience));
    }
    return new Console(sinks, capacity, patience, queued);
  }

  /**
   * {@return the sink for one more guest: a new one if it keeps a part of a line, else the same}
   */
  public Sink sink() {
    return sinks.get();
  }

  /** {@return the size of the queue in bytes} */
  public int capacity() {
    return capacity;
  }

  /** {@return how long a guest waits when the queue is full} */
  public Duration patience() {
    return patience;
  }

  /** {@return whether the sink is called by a thread of its own} */
  public boolean isQueued() {
    return queued;
  }
}
