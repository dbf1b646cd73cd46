// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.memory;

import java.util.Arrays;

/** Linear address ranges whose accesses stop the processor after the accessing instruction. */
public final class Watchpoints {
  private record Watch(long address, long byteSize, int access) {
    boolean overlaps(long other, long otherSize) {
      return other - address < byteSize
          && address - other < otherSize
          && other + otherSize - address > 0
          && address + byteSize - other > 0;
    }
  }

  private Watch[] watches = new Watch[0];
  private boolean hit;
  private long hitAddress;

  public void set(long address, long byteSize, int access) {
    watches = Arrays.copyOf(watches, watches.length + 1);
    watches[watches.length - 1] = new Watch(address, byteSize, access);
  }

  public void clear() {
    watches = new Watch[0];
    hit = false;
  }

  public boolean isEmpty() {
    return watches.length == 0;
  }

  boolean coversPageOf(long address) {
    long page = address & Tlb.PAGE_MASK;
    for (Watch watch : watches) {
      if (watch.overlaps(page, 4096)) {
        return true;
      }
    }
    return false;
  }

  void accessed(long address, int byteSize, int access) {
    for (Watch watch : watches) {
      if ((watch.access & access) != 0 && watch.overlaps(address, byteSize)) {
        hit = true;
        hitAddress = watch.address;
      }
    }
  }

  /** Returns whether a watched range was accessed since the last call. */
  public boolean takeHit() {
    boolean result = hit;
    hit = false;
    return result;
  }

  /** Returns the start of the range accessed last. */
  public long hitAddress() {
    return hitAddress;
  }
}
