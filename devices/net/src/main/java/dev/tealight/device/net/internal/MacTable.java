// SPDX-License-Identifier: ISC
package dev.tealight.device.net.internal;

import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * Behind which port an address was last seen. Never grows: an address may push out another, whose
 * frames then go to all ports until it is seen again. Any thread.
 *
 * @param <P> a port
 */
public final class MacTable<P> {
  private static final int SETS = 512;
  private static final int WAYS = 4;

  private record Entry<P>(long mac, P port) {}

  private final AtomicReferenceArray<@Nullable Entry<P>> entries =
      new AtomicReferenceArray<>(SETS * WAYS);

  /** Creates an empty table. */
  public MacTable() {}

  /**
   * Notes an address; costs nothing if it is known.
   *
   * @param mac 48 bits
   * @param port where it was seen
   */
  public void learn(long mac, P port) {
    int set = set(mac);
    int place = -1;
    for (int i = 0; i < WAYS; i++) {
      Entry<P> entry = entries.get(set + i);
      if (entry == null) {
        place = place < 0 ? set + i : place;
      } else if (entry.mac() == mac) {
        if (entry.port().equals(port)) {
          return;
        }
        place = set + i;
        break;
      }
    }
    // A full set gives up the place that the address itself picks.
    int chosen = place < 0 ? set + (int) ((mac >>> 20) & (WAYS - 1)) : place;
    entries.set(chosen, new Entry<>(mac, port));
  }

  /**
   * {@return the port behind which an address was seen, or null}
   *
   * @param mac 48 bits
   */
  public @Nullable P find(long mac) {
    int set = set(mac);
    for (int i = 0; i < WAYS; i++) {
      Entry<P> entry = entries.get(set + i);
      if (entry != null && entry.mac() == mac) {
        return entry.port();
      }
    }
    return null;
  }

  /**
   * Forgets all addresses of a port.
   *
   * @param port that is left
   */
  public void forget(P port) {
    for (int i = 0; i < entries.length(); i++) {
      Entry<P> entry = entries.get(i);
      if (entry != null && entry.port().equals(port)) {
        entries.compareAndSet(i, entry, null);
      }
    }
  }

  private static int set(long mac) {
    long hash = mac * 0x9e3779b97f4a7c15L;
    return (int) (hash >>> 55) * WAYS;
  }
}
