// SPDX-License-Identifier: ISC
package dev.tealight.internal.run;

import dev.tealight.ConfigurationException;
import dev.tealight.device.GuestCallHandler;
import dev.tealight.device.GuestCallRegistry;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Who serves which request of the guest. Filled before the run, only read during it. */
public final class HandlerTable implements GuestCallRegistry {

  /** A handler with its name for messages. */
  record Entry(String owner, GuestCallHandler handler) {
    Entry {
      Objects.requireNonNull(owner, "owner");
      Objects.requireNonNull(handler, "handler");
    }
  }

  private final @Nullable Entry[] hypercalls = new Entry[HYPERCALL_COUNT];
  private final Ranges ports = new Ranges("port");
  private final Ranges addresses = new Ranges("address");

  @Override
  public void hypercall(int nr, String owner, GuestCallHandler handler) {
    if (nr < 0 || nr >= HYPERCALL_COUNT) {
      throw new ConfigurationException(
          "hypercall %d of %s: give a number from 0 to %d"
              .formatted(nr, owner, HYPERCALL_COUNT - 1));
    }
    Entry taken = hypercalls[nr];
    if (taken != null) {
      throw new ConfigurationException(
          "hypercall %d of %s is taken by %s".formatted(nr, owner, taken.owner()));
    }
    hypercalls[nr] = new Entry(owner, handler);
  }

  @Override
  public void ports(int first, int count, String owner, GuestCallHandler handler) {
    if (first < 0 || count < 1 || first + (long) count > 0x10000) {
      throw new ConfigurationException(
          "ports 0x%x of %s, %d in all: give at least one port from 0 to 0xffff"
              .formatted(first, owner, count));
    }
    ports.add(first, count, new Entry(owner, handler));
  }

  @Override
  public void mmio(long gpa, long byteSize, String owner, GuestCallHandler handler) {
    if (gpa < 0 || byteSize < 1 || gpa > Long.MAX_VALUE - byteSize) {
      throw new ConfigurationException(
          "addresses 0x%x of %s, %d bytes in all: the range is empty or too high"
              .formatted(gpa, owner, byteSize));
    }
    addresses.add(gpa, byteSize, new Entry(owner, handler));
  }

  @Nullable Entry hypercall(int nr) {
    return nr >= 0 && nr < HYPERCALL_COUNT ? hypercalls[nr] : null;
  }

  @Nullable Entry port(long port) {
    return ports.find(port);
  }

  @Nullable Entry address(long gpa) {
    return addresses.find(gpa);
  }

  /** Ranges without overlap, searched by halving. */
  private static final class Ranges {
    private record Range(long first, long last, Entry entry) {}

    private final String what;
    private final List<Range> ranges = new ArrayList<>();
    private long[] firsts = {};

    Ranges(String what) {
      this.what = what;
    }

    void add(long first, long count, Entry entry) {
      Range added = new Range(first, first + count - 1, entry);
      for (Range range : ranges) {
        if (added.first <= range.last && range.first <= added.last) {
          throw new ConfigurationException(
              "%s 0x%x of %s is taken by %s"
                  .formatted(
                      what,
                      Math.max(added.first, range.first),
                      entry.owner(),
                      range.entry.owner()));
        }
      }
      ranges.add(added);
      ranges.sort((a, b) -> Long.compare(a.first(), b.first()));
      firsts = new long[ranges.size()];
      for (int i = 0; i < firsts.length; i++) {
        firsts[i] = ranges.get(i).first;
      }
    }

    @Nullable Entry find(long address) {
      int index = Arrays.binarySearch(firsts, address);
      int candidate = index >= 0 ? index : -index - 2;
      if (candidate < 0 || ranges.get(candidate).last < address) {
        return null;
      }
      return ranges.get(candidate).entry;
    }
  }
}
