// SPDX-License-Identifier: ISC
package dev.tealight;

import org.jspecify.annotations.Nullable;

/**
 * Everything that Tealight throws because the embedder asked for something impossible or the host
 * failed. What a guest does wrong is a {@link RunResult}, never an exception.
 */
public abstract sealed class VmmException extends RuntimeException
    permits ConfigurationException,
        ImageException,
        HypervisorUnavailableException,
        HostCallException,
        DeviceException {
  private static final long serialVersionUID = 1L;

  VmmException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
