// SPDX-License-Identifier: ISC
package dev.tealight.bench;

import com.sun.management.ThreadMXBean;
import dev.tealight.Hypervisor;
import dev.tealight.Hypervisors;
import java.lang.management.ManagementFactory;

/** Prints how many bytes the vCPU thread allocates from the first of some exits to the last. */
final class AllocationPerExit {
  private AllocationPerExit() {}

  public static void main(String[] args) throws InterruptedException {
    int exits = Integer.parseInt(args[0]);
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    try (Hypervisor hypervisor = Hypervisors.open("kvm")) {
      // The first run does what is done once, such as linking.
      for (int calls : new int[] {100_000, exits}) {
        long bytes = new ExitStorm(calls, threads::getCurrentThreadAllocatedBytes).run(hypervisor);
        if (calls == exits) {
          System.out.println(bytes);
        }
      }
    }
  }
}
