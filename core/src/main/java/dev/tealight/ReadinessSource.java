// SPDX-License-Identifier: ISC
package dev.tealight;

/**
 * Something a guest may wait for: a descriptor with data, a queue in the JVM with an element, room
 * in a buffer.
 *
 * <p>A source either names a descriptor that its {@link Waiter} polls for input, or calls the
 * waiter it was given. {@link #isReady} decides in both cases.
 */
public interface ReadinessSource {

  /**
   * {@return whether what is waited for is there now; exact, never blocks, called by the vCPU
   * thread}
   */
  boolean isReady();

  /**
   * {@return the open descriptor to poll for input, or -1 if this source calls its waiter itself}
   *
   * <p>While it can be read, {@link #isReady} has to be true: nothing else keeps a wait from ending
   * at once, again and again. A descriptor in error or hung up is looked at no more than ten times
   * a second for as long as {@code isReady} is false; a source whose guest should learn of the end
   * says that it is ready.
   */
  default int descriptor() {
    return -1;
  }

  /**
   * {@return whether the guest learns of it, as it does of a frame; it does not of room in the
   * monitor's own buffers, and waiting for that takes none of a guest's virtual time}
   */
  default boolean isSeenByGuest() {
    return true;
  }

  /**
   * Tells the source whom to wake when it becomes ready. Called before the source is waited for,
   * with the same waiter each time; a source with a descriptor may ignore it. It may become ready
   * before it knows: whoever waits asks {@link #isReady} afterwards.
   *
   * @param waiter its {@link Waiter#wake} may be called from any thread, also after it was closed
   */
  default void attach(Waiter waiter) {}

  /**
   * Tells a source with a descriptor that its waiter has just found input there, so that the next
   * {@link #isReady} need not ask the host again. Called by the thread that waited; a source may
   * ignore it.
   */
  default void polled() {}
}
