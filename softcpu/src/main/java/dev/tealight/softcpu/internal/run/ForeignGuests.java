// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.run;

import dev.tealight.softcpu.internal.cpu.Insn;
import java.util.Set;

/** Which instructions can be executed for a guest that runs on another backend's processor. */
final class ForeignGuests {
  /**
   * Instructions that answer for their processor, or whose effect is not in what the backends hand
   * over: model-specific and debug registers, clocks, ports, interrupts.
   */
  private static final Set<String> OWN_PROCESSORS =
      Set.of(
          "CPUID",
          "RDMSR",
          "WRMSR",
          "RDTSC",
          "RDTSCP",
          "RDPMC",
          "RDRAND",
          "RDSEED",
          "SWAPGS",
          "SYSCALL",
          "SYSRET",
          "SYSENTER",
          "SYSEXIT",
          "HLT",
          "IN",
          "OUT",
          "INS",
          "OUTS",
          "STI",
          "INT",
          "INT1",
          "INT3",
          "INTO",
          "IRET",
          "INVLPG");

  private ForeignGuests() {}

  static boolean mayExecute(Insn insn) {
    return !insn.isUnavailable()
        && !OWN_PROCESSORS.contains(insn.mnemonic())
        && !insn.name().contains("Dq") // debug registers
        && !insn.name().contains("Cq") // control registers
        && !insn.name().contains("Sw"); // a move to SS holds interrupts off
  }
}
