// SPDX-License-Identifier: ISC

import org.jspecify.annotations.NullMarked;

/** Backend that runs x86-64 guests in pure Java, on any host. */
@NullMarked
module dev.tealight.softcpu {
  requires transitive dev.tealight; // its types are in our signatures
  requires static org.jspecify;

  exports dev.tealight.softcpu;

  uses dev.tealight.spi.WaiterProvider;

  provides dev.tealight.spi.HypervisorProvider with
      dev.tealight.softcpu.internal.vm.SoftcpuHypervisorProvider;
  provides dev.tealight.spi.InstructionCompleter with
      dev.tealight.softcpu.internal.vm.SoftcpuInstructionCompleter;
}
