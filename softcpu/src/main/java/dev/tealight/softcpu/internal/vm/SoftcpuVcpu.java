// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.vm;

import dev.tealight.ConfigurationException;
import dev.tealight.CpuState;
import dev.tealight.Entropy;
import dev.tealight.ExitFrame;
import dev.tealight.ExitKind;
import dev.tealight.TimeSource;
import dev.tealight.Vcpu;
import dev.tealight.X86CpuState;
import dev.tealight.softcpu.SoftcpuOptions;
import dev.tealight.softcpu.internal.cpu.Environment;
import dev.tealight.softcpu.internal.cpu.ExitReason;
import dev.tealight.softcpu.internal.cpu.ExitState;
import dev.tealight.softcpu.internal.memory.Access;
import dev.tealight.softcpu.internal.run.Processor;
import dev.tealight.softcpu.internal.run.TranslationPolicy;
import dev.tealight.softcpu.internal.translate.SharedCode;
import dev.tealight.spi.DebugControl;
import dev.tealight.spi.GuestDiagnosis;
import dev.tealight.spi.InterruptInjector;
import dev.tealight.spi.RepeatableInputs;
import dev.tealight.spi.StateSaver;
import dev.tealight.spi.VcpuAbility;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A vCPU: the processor with its exits in the core's terms. */
final class SoftcpuVcpu
    implements Vcpu, DebugControl, InterruptInjector, GuestDiagnosis, RepeatableInputs, StateSaver {
  /** Breakpoints are compared one by one before each instruction: a bound keeps that sane. */
  private static final int MAX_BREAKPOINTS = 64;

  private final Processor processor;
  private final @Nullable VirtualEnvironment virtual;
  private volatile boolean closed;

  SoftcpuVcpu(SoftcpuVm vm, SoftcpuOptions options, SharedCode code) {
    virtual = options.virtualTime() ? new VirtualEnvironment(options.seed()) : null;
    Environment environment = virtual != null ? virtual : new HostEnvironment();
    TranslationPolicy policy =
        options.translating() ? TranslationPolicy.USUAL : TranslationPolicy.NEVER;
    processor = new Processor(vm, environment, policy, code);
    processor.cpu.reset();
  }

  void memoryChanged() {
    processor.memoryChanged();
  }

  @Override
  public ExitKind run(ExitFrame frame) {
    checkOpen();
    ExitState exit = processor.cpu.exit;
    exit.value = frame.value(); // the answer, if the last exit was a read
    return switch (runProcessor()) {
      case PORT_WRITE -> frame.access(ExitKind.IO_WRITE, exit.port, exit.size, exit.value);
      case PORT_READ -> frame.access(ExitKind.IO_READ, exit.port, exit.size, ones(exit.size));
      case MEMORY_WRITE -> frame.access(ExitKind.MMIO_WRITE, exit.gpa, exit.size, exit.value);
      case MEMORY_READ -> frame.access(ExitKind.MMIO_READ, exit.gpa, exit.size, ones(exit.size));
      case VIOLATION -> violation(frame, exit);
      case HALT -> frame.event(ExitKind.HALT, 0, 0);
      case SHUTDOWN -> frame.event(ExitKind.SHUTDOWN, 0, 0);
      case KICKED, NONE -> frame.event(ExitKind.INTERRUPTED, 0, 0);
      case INTERRUPT_WINDOW -> frame.event(ExitKind.INTERRUPT_WINDOW, 0, 0);
      case DEBUG ->
          frame.event(ExitKind.DEBUG, processor.cpu.rip, cause(exit.debugCause).ordinal());
    };
  }

  private ExitReason runProcessor() {
    if (virtual == null) {
      return processor.run();
    }
    virtual.entered();
    ExitReason reason = processor.run();
    virtual.left(processor.cpu.retired);
    return reason;
  }

  /** What nobody answers reads as on a bus without anyone on it. */
  private static long ones(int byteSize) {
    return -1L >>> (64 - 8 * byteSize);
  }

  private ExitKind violation(ExitFrame frame, ExitState exit) {
    boolean inRam = exit.gpa >= 0 && exit.gpa < processor.cpu.memory.ram().byteSize();
    if (!inRam && exit.access == Access.EXECUTE) {
      // Code outside memory: the host cannot fetch it.
      return frame.event(ExitKind.INTERNAL_ERROR, exit.gpa, 0);
    }
    return frame.event(ExitKind.PROTECTION_FAULT, exit.gpa, exit.access);
  }

  private static ExitKind.DebugCause cause(ExitState.DebugCause cause) {
    return switch (cause) {
      case STEP -> ExitKind.DebugCause.STEP;
      case SOFTWARE_BREAKPOINT -> ExitKind.DebugCause.SOFTWARE_BREAKPOINT;
      case HARDWARE_BREAKPOINT, WATCHPOINT -> ExitKind.DebugCause.HARDWARE_BREAKPOINT;
    };
  }

  @Override
  public void kick() {
    processor.kick();
  }

  @Override
  public CpuState readState() {
    checkOpen();
    return RegisterTransfer.read(processor.cpu);
  }

  @Override
  public void writeState(CpuState state) {
    checkOpen();
    // Not a switch over patterns: making one costs milliseconds, which every start would pay.
    RegisterTransfer.write(processor.cpu, (X86CpuState) state);
    processor.abandonExit();
  }

  @Override
  public long cycleCounterHz() {
    return Environment.FREQUENCY_HZ;
  }

  @Override
  public void close() {
    closed = true;
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("vCPU is closed");
    }
  }

  @Override
  public Optional<String> diagnosis() {
    return Optional.ofNullable(processor.undefinedInstruction())
        .map(insn -> "#UD by %s at 0x%x".formatted(insn.name(), insn.rip()));
  }

  // Virtual time

  @Override
  public <T extends VcpuAbility> Optional<T> ability(Class<T> type) {
    boolean missing = type == RepeatableInputs.class && virtual == null;
    return missing ? Optional.empty() : Vcpu.super.ability(type);
  }

  @Override
  public TimeSource time() {
    return inputs();
  }

  @Override
  public Entropy entropy() {
    return inputs().deviceEntropy();
  }

  private VirtualEnvironment inputs() {
    if (virtual == null) {
      throw new IllegalStateException("this vCPU follows the host's clock");
    }
    return virtual;
  }

  // Saving and restoring

  @Override
  public int formatVersion() {
    return VcpuState.FORMAT_VERSION;
  }

  @Override
  public byte[] save() {
    checkOpen();
    if (!processor.isAtRest()) {
      throw new IllegalStateException(
          "an instruction waits for the monitor's answer: kick the vCPU and run it until"
              + " INTERRUPTED before its state is saved");
    }
    return VcpuState.save(processor, virtual);
  }

  @Override
  public void restore(int formatVersion, byte[] state) {
    checkOpen();
    if (formatVersion != VcpuState.FORMAT_VERSION) {
      throw new ConfigurationException(
          "state of a vCPU of backend %s has format %d, this version knows %d"
              .formatted(SoftcpuOptions.BACKEND, formatVersion, VcpuState.FORMAT_VERSION));
    }
    VcpuState.restore(state, processor, virtual);
  }

  // Debugging

  @Override
  public Set<Feature> features() {
    return EnumSet.allOf(Feature.class);
  }

  @Override
  public int breakpointLimit() {
    return MAX_BREAKPOINTS;
  }

  @Override
  public void debug(boolean step, boolean software, List<Breakpoint> breakpoints) {
    if (breakpoints.size() > MAX_BREAKPOINTS) {
      throw new IllegalArgumentException(
          "%d breakpoints, at most %d".formatted(breakpoints.size(), MAX_BREAKPOINTS));
    }
    processor.debugging.singleStep(step);
    processor.cpu.debugBreakpoints = software;
    processor.debugging.breakpoints(
        breakpoints.stream()
            .filter(breakpoint -> breakpoint.trigger() == Trigger.EXECUTE)
            .mapToLong(Breakpoint::address)
            .toArray());
    processor.cpu.memory.watchpoints.clear();
    for (Breakpoint breakpoint : breakpoints) {
      if (breakpoint.trigger() != Trigger.EXECUTE) {
        int access =
            breakpoint.trigger() == Trigger.WRITE ? Access.WRITE : Access.READ | Access.WRITE;
        processor.cpu.memory.watchpoints.set(breakpoint.address(), breakpoint.byteSize(), access);
      }
    }
    processor.cpu.memory.flush();
  }

  // Interrupts

  @Override
  public boolean canInject() {
    return processor.readyForInterrupt();
  }

  @Override
  public void inject(int vector) {
    if (!processor.readyForInterrupt()) {
      throw new IllegalStateException("the guest cannot take an interrupt now");
    }
    processor.interrupt(vector);
  }

  @Override
  public void requestWindow(boolean wanted) {
    processor.requestInterruptWindow(wanted);
  }
}
