// SPDX-License-Identifier: ISC
package dev.tealight.device;

/**
 * A network device as something other than its hypercalls uses it, such as a ring in memory that
 * the guest shares with the monitor: moves frames between guest memory and the device's link.
 *
 * <p>Any thread; calls that come at once take turns, with the device's hypercalls too.
 */
public interface FrameTransfer {

  /** It went well. */
  int OK = 0;

  /** No frame is there. */
  int AGAIN = 1;

  /** A frame of this size cannot be. */
  int EINVAL = 2;

  /** The host failed; it is reported. */
  int EUNSPEC = 3;

  /**
   * Sends a frame.
   *
   * @param gpa of its first byte, unchecked
   * @param byteSize of the frame, unchecked
   * @return {@link #OK}, {@link #EINVAL} or {@link #EUNSPEC}
   * @throws dev.tealight.GuestAccessException if the guest may not read the range
   */
  int send(long gpa, long byteSize);

  /**
   * Takes the next frame.
   *
   * @param gpa of the buffer's first byte, unchecked
   * @param byteSize of the buffer, unchecked; of a longer frame the rest is lost
   * @return the length of what was taken, or the negative of {@link #AGAIN} or {@link #EUNSPEC}
   * @throws dev.tealight.GuestAccessException if the guest may not write the range
   */
  int receive(long gpa, long byteSize);
}
