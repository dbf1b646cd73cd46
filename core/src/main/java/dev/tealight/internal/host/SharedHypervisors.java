// SPDX-License-Identifier: ISC
package dev.tealight.internal.host;

import dev.tealight.Hypervisor;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Supplier;

/**
 * The hypervisors that monitors share when their embedder names none: one for each backend, opened
 * with the first monitor and closed after the last. Any thread.
 */
public final class SharedHypervisors {

  /** A share in a hypervisor; closing it gives the share back. */
  public static final class Lease implements AutoCloseable {
    private final String key;
    private final Hypervisor hypervisor;
    private boolean closed;

    private Lease(String key, Hypervisor hypervisor) {
      this.key = key;
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
          release(key);
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
   * @param key what was asked for: a backend's name, or the empty string for the first available
   * @param opener opens it if nobody has
   * @return a lease that the caller closes
   */
  public static Lease acquire(String key, Supplier<Hypervisor> opener) {
    synchronized (COUNTS) {
      Counted counted = COUNTS.computeIfAbsent(key, absent -> new Counted(opener.get()));
      counted.leases++;
      return new Lease(key, counted.hypervisor);
    }
  }

  private static void release(String key) {
    Counted counted = COUNTS.get(key);
    if (counted != null && --counted.leases == 0) {
      COUNTS.remove(key);
      counted.hypervisor.close();
    }
  }
}
