// SPDX-License-Identifier: ISC
package dev.tealight;

/** A call to the host failed. */
public final class HostCallException extends VmmException {
  private static final long serialVersionUID = 1L;

  /** The call's name. */
  private final String call;

  /** The host's error number. */
  private final int errno;

  /**
   * Creates one.
   *
   * @param call the call's name, for instance {@code ioctl(KVM_RUN)}
   * @param errno the host's error number
   * @param symbol its name, for instance {@code EINVAL}
   * @param details the values passed and what to do; may be empty
   */
  public HostCallException(String call, int errno, String symbol, String details) {
    super(
        "%s failed: %s (%d)%s"
            .formatted(call, symbol, errno, details.isEmpty() ? "" : ": " + details),
        null);
    this.call = call;
    this.errno = errno;
  }

  /** {@return the call's name} */
  public String call() {
    return call;
  }

  /** {@return the host's error number} */
  public int errno() {
    return errno;
  }
}
