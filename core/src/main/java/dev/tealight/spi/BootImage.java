// SPDX-License-Identifier: ISC
package dev.tealight.spi;

import dev.tealight.ConfigurationException;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * An image that was read and checked, ready to be booted any number of times. Immutable; any
 * thread.
 */
public interface BootImage {

  /**
   * A device that the image declares.
   *
   * @param name by which the embedder attaches it
   * @param type the manifest's word for its kind
   * @param handle by which the guest addresses it, 1 to {@link #MAX_HANDLE}
   */
  record DeclaredDevice(String name, String type, int handle) {

    /** The highest handle: ready sets have a bit for each. */
    public static final int MAX_HANDLE = 63;

    /** Checks the handle. */
    public DeclaredDevice {
      Objects.requireNonNull(name, "name");
      Objects.requireNonNull(type, "type");
      if (handle < 1 || handle > MAX_HANDLE) {
        throw new ConfigurationException(
            "device %s has the handle %d: give 1 to %d, each once"
                .formatted(name, handle, MAX_HANDLE));
      }
    }
  }

  /** {@return the instruction set it is compiled for} */
  GuestArchitecture architecture();

  /** {@return the devices it needs, in its own order; all of them have to be attached} */
  List<DeclaredDevice> devices();

  /**
   * {@return the size of the memory to create for a request, rounded as the format wants it}
   *
   * @param requestedByteSize what the embedder asked for
   * @throws dev.tealight.ConfigurationException if a guest of this format cannot have that much or
   *     so little
   */
  long memoryByteSize(long requestedByteSize);

  /** {@return how its hypercalls look} */
  HypercallConvention hypercalls();

  /**
   * {@return the name of the {@link Platform} that the guest expects around its processor, or empty
   * if it talks to the monitor by hypercalls alone}
   *
   * <p>On a platform, ports and addresses that nobody serves read as ones and swallow writes.
   */
  default Optional<String> platform() {
    return Optional.empty();
  }

  /**
   * Loads the guest and sets its vCPU to its first instruction; registers the calls that the format
   * itself offers.
   *
   * @param context the machine to boot, with all declared devices active
   * @throws dev.tealight.ConfigurationException if something of the context does not fit, such as
   *     too long arguments
   * @throws dev.tealight.ImageException if the image does not fit into the memory
   */
  void boot(BootContext context);
}
