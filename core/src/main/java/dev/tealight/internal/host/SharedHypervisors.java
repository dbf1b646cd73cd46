// SPDX-License-Identifier: ISC
package dev.tealight.internal.host;

import dev.tealight.Hypervisor;
import dev.tealight.spi.HypervisorProvider;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The hypervisors that monitors share when their embedder names none: one for each backend, opened
 * with the first monitor and closed after the last. Any thread.
 */
public final class SharedHypervisors {

  /** A share in a hypervisor; closing it gives the share back. */
  public static final class Lease implements AutoCloseable {
    private final String backend;
    private final Hypervisor hypervisor;
    private boolean closed;

    private Lease(String backend, Hypervisor hypervisor) {
      this.backend = backend;
      this.hypervisor = hypervisor;
    }

    /** {@return the hypervisor, to be used until the lease is closed} */
    public Hypervisor hypervisor() {
      return hypervisor;
    }

    @Override
    public void close() {
      synchronized (COUNTS) {
        if (!closed) {
          closed = true;
          release(backend);
        }
      }
    }
  }

  private static final class Counted {
    final Hypervisor hypervisor;
    int leases;

    Counted(Hypervisor hypervisor) {
      this.hypervisor = hypervisor;
    }
  }

  // Guarded by itself.
  private static final Map<String, Counted> COUNTS = new HashMap<>();

  private SharedHypervisors() {}

  /**
   * Takes a share.
   *
   * @param provider whose hypervisor; opened if nobody has
   * @return a lease that the caller closes
   * @throws dev.tealight.HypervisorUnavailableException if it cannot run guests here
   */
  public static Lease acquire(HypervisorProvider provider) {
    synchronized (COUNTS) {
      Counted counted =
          COUNTS.computeIfAbsent(
              provider.name(), absent -> new Counted(provider.open(Optional.empty())));
      counted.leases++;
      return new Lease(provider.name(), counted.hypervisor);
    }
  }

  private static void release(String backend) {
    Counted counted = COUNTS.get(backend);
    if (counted != null && --counted.leases == 0) {
      COUNTS.remove(backend);
      counted.hypervisor.close();
    }
  }
}
