// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.vm;

import dev.tealight.softcpu.internal.cpu.Cpu;
import dev.tealight.softcpu.internal.cpu.Fpu;
import dev.tealight.softcpu.internal.cpu.Msrs;
import dev.tealight.softcpu.internal.cpu.Segments;
import dev.tealight.softcpu.internal.cpu.Sse;
import dev.tealight.softcpu.internal.cpu.SystemRegisters;
import dev.tealight.softcpu.internal.run.Processor;
import org.jspecify.annotations.Nullable;

/**
 * The whole state of a vCPU as bytes, big-endian. A change of the list of fields is a new {@link
 * #FORMAT_VERSION}.
 */
final class VcpuState {
  static final int FORMAT_VERSION = 1;

  private static final long MAGIC = 0x536F_6674_6370_7531L; // Softcpu1
  private static final int MAX_BYTE_SIZE = 4096;
  private static final int[] SEGMENTS = {
    Segments.ES,
    Segments.CS,
    Segments.SS,
    Segments.DS,
    Segments.FS,
    Segments.GS,
    Segments.LDTR,
    Segments.TR
  };

  private VcpuState() {}

  static byte[] save(Processor processor, @Nullable VirtualEnvironment virtual) {
    StateFields fields = StateFields.saving(MAX_BYTE_SIZE);
    transfer(fields, processor, virtual);
    return fields.saved();
  }

  static void restore(byte[] state, Processor processor, @Nullable VirtualEnvironment virtual) {
    StateFields fields = StateFields.restoring(state);
    fields.requireByteSize(save(processor, virtual).length); // before anything changes
    processor.abandonExit();
    transfer(fields, processor, virtual);
    processor.memoryChanged();
  }

  private static void transfer(
      StateFields f, Processor processor, @Nullable VirtualEnvironment virtual) {
    f.constant(MAGIC, "magic number");
    f.constant(virtual != null ? 1 : 0, "virtual time");
    Cpu cpu = processor.cpu;
    cpu.retired = f.field(cpu.retired);
    if (virtual != null) {
      virtual.transfer(f, cpu.retired);
    }
    general(f, cpu);
    system(f, cpu);
    modelSpecific(f, cpu);
    x87(f, cpu.fpu);
    f.fields(cpu.sse.xmm);
    cpu.sse.mxcsr = f.field(cpu.sse.mxcsr) & Sse.MXCSR_MASK;
    interrupts(f, processor);
  }

  private static void general(StateFields f, Cpu cpu) {
    for (int i = 0; i < Cpu.ZERO; i++) {
      cpu.gpr[i] = f.field(cpu.gpr[i]);
    }
    cpu.rip = f.field(cpu.rip);
    long flags = f.field(cpu.flags.value());
    if (!f.isSaving()) {
      cpu.flags.value(flags);
    }
  }

  private static void system(StateFields f, Cpu cpu) {
    Segments segments = cpu.segments;
    for (int segment : SEGMENTS) {
      int selector = f.field(segments.selector(segment));
      long base = f.field(segments.base(segment));
      long limit = f.field(segments.limit(segment));
      segments.set(segment, selector, base, limit, f.field(segments.attributes(segment)));
    }
    cpu.privilege = f.field(cpu.privilege) & 3;
    SystemRegisters system = cpu.system;
    system.cr2 = f.field(system.cr2);
    system.cr8 = f.field(system.cr8) & 15;
    system.gdtBase = f.field(system.gdtBase);
    system.gdtLimit = f.field(system.gdtLimit) & 0xFFFF;
    system.idtBase = f.field(system.idtBase);
    system.idtLimit = f.field(system.idtLimit) & 0xFFFF;
    f.fields(system.debug);
    long cr0 = f.field(system.cr0);
    long cr3 = f.field(system.cr3);
    long cr4 = f.field(system.cr4);
    long efer = f.field(system.efer);
    if (!f.isSaving()) {
      system.restore(cr0, cr3, cr4, efer); // what else depends on them follows
    }
  }

  private static void modelSpecific(StateFields f, Cpu cpu) {
    Msrs msrs = cpu.system.msrs;
    msrs.star = f.field(msrs.star);
    msrs.lstar = f.field(msrs.lstar);
    msrs.cstar = f.field(msrs.cstar);
    msrs.fmask = f.field(msrs.fmask);
    msrs.kernelGsBase = f.field(msrs.kernelGsBase);
    msrs.tscAux = f.field(msrs.tscAux);
    msrs.sysenterCs = f.field(msrs.sysenterCs);
    msrs.sysenterEsp = f.field(msrs.sysenterEsp);
    msrs.sysenterEip = f.field(msrs.sysenterEip);
    msrs.pat = f.field(msrs.pat);
    msrs.miscEnable = f.field(msrs.miscEnable);
    msrs.mtrrDefault = f.field(msrs.mtrrDefault);
    f.fields(msrs.mtrrs);
    long timestamp = f.field(msrs.timestamp());
    if (!f.isSaving()) {
      msrs.write(Msrs.TSC, timestamp); // it goes on from there, whatever the host's clock shows
    }
  }

  private static void x87(StateFields f, Fpu fpu) {
    f.fields(fpu.significands);
    for (int i = 0; i < fpu.exponents.length; i++) {
      fpu.exponents[i] = f.field(fpu.exponents[i]) & 0xFFFF;
    }
    fpu.used = f.field(fpu.used) & 0xFF;
    fpu.control = f.field(fpu.control) & 0xFFFF;
    fpu.status = f.field(fpu.status) & 0xFFFF;
    fpu.top = f.field(fpu.top) & 7;
    fpu.lastOpcode = f.field(fpu.lastOpcode);
    fpu.lastInstruction = f.field(fpu.lastInstruction);
    fpu.lastData = f.field(fpu.lastData);
  }

  private static void interrupts(StateFields f, Processor processor) {
    boolean shadow = f.field(processor.cpu.attention & Cpu.INTERRUPT_SHADOW) != 0;
    int vector = f.field(processor.isInterruptPending() ? processor.cpu.pendingVector : -1);
    if (!f.isSaving()) {
      processor.restoreInterrupts(shadow, vector);
    }
  }
}
