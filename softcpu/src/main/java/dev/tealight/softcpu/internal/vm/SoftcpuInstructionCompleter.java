// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.vm;

import dev.tealight.CpuState;
import dev.tealight.GuestMemory;
import dev.tealight.X86CpuState;
import dev.tealight.softcpu.internal.cpu.Cpu;
import dev.tealight.softcpu.internal.cpu.FxsaveArea;
import dev.tealight.softcpu.internal.run.Processor;
import dev.tealight.softcpu.internal.run.TranslationPolicy;
import dev.tealight.spi.GuestArchitecture;
import dev.tealight.spi.InstructionCompleter;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** Executes single instructions of another backend's guest on a processor kept for that guest. */
public final class SoftcpuInstructionCompleter implements InstructionCompleter {
  private @Nullable GuestMemory known;
  private @Nullable Processor kept;

  /** For the service loader. */
  public SoftcpuInstructionCompleter() {}

  @Override
  public GuestArchitecture architecture() {
    return GuestArchitecture.X86_64;
  }

  @Override
  public boolean complete(CpuState state, MemorySegment vectorState, GuestMemory memory) {
    X86CpuState x86 = (X86CpuState) state;
    Processor processor = processor(memory);
    Cpu cpu = processor.cpu;
    RegisterTransfer.write(cpu, x86); // also forgets what was known of page tables
    FxsaveArea.load(cpu, vectorState);
    if (!processor.complete()) {
      return false;
    }
    RegisterTransfer.update(cpu, x86);
    FxsaveArea.store(cpu, vectorState);
    return true;
  }

  private Processor processor(GuestMemory memory) {
    Processor processor = kept;
    if (processor == null || known != memory) {
      processor =
          new Processor(new GuestRam(memory), new HostEnvironment(), TranslationPolicy.NEVER);
      processor.cpu.reset();
      kept = processor;
      known = memory;
    }
    return processor;
  }
}
