// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.vm;

import dev.tealight.GuestMemory;
import dev.tealight.Protection;
import dev.tealight.Region;
import dev.tealight.softcpu.internal.cpu.Ram;
import dev.tealight.softcpu.internal.memory.Access;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** A guest's memory and what its regions allow, as a processor sees them. */
record GuestRam(GuestMemory memory) implements Ram {

  @Override
  public MemorySegment segment() {
    return memory.unrestricted();
  }

  @Override
  public int permissions(long gpa) {
    return permissions(memory.regions(), gpa);
  }

  static int permissions(List<Region> regions, long gpa) {
    for (Region region : regions) {
      if (gpa >= region.gpa() && gpa < region.end()) {
        Protection allowed = region.protection();
        return (allowed.read() ? Access.READ : 0)
            | (allowed.write() ? Access.WRITE : 0)
            | (allowed.execute() ? Access.EXECUTE : 0);
      }
    }
    return Access.ALL;
  }
}
