// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.tealight.CpuState;
import dev.tealight.ExitFrame;
import dev.tealight.ExitKind;
import dev.tealight.ExitKind.DebugCause;
import dev.tealight.HypervisorUnavailableException;
import dev.tealight.Vcpu;
import dev.tealight.X86CpuState;
import dev.tealight.X86Register;
import dev.tealight.X86Segment;
import dev.tealight.ffi.posix.Descriptor;
import dev.tealight.ffi.posix.FreeBsdErrno;
import dev.tealight.ffi.posix.HostCalls;
import dev.tealight.spi.DebugControl;
import dev.tealight.spi.VcpuAbility;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A vCPU: its number at the VM's device, and the loop around {@code VM_RUN}. */
final class BhyveVcpu implements Vcpu, DebugControl {
  private static final Logger LOG = LoggerFactory.getLogger(BhyveVcpu.class);

  private static final int GENERAL_PROTECTION = 13;

  private static final int VMX_TRIPLE_FAULT = 2;
  private static final int VMX_ENTRY_FAILED = 1 << 31;
  private static final long SVM_SHUTDOWN = 0x7f;
  private static final long SVM_NESTED_PAGE_FAULT = 0x400;

  /** What a read gives that nobody completes: a bus on which nothing answers. */
  private static final long NOTHING_ANSWERS = -1;

  /** The answer that the last exit still owes the guest. */
  private enum Owed {
    NOTHING,
    IO,
    STRING,
    MMIO
  }

  private final HostCalls host;
  private final BhyveVm vm;
  private final Descriptor descriptor;
  private final MemorySegment number;
  private final VmmRun run;
  private final VmmRegisters registers;
  private final Kicks kicks;
  private final StringPort string;
  private final MmioInstruction instruction = new MmioInstruction();
  private final StallWatch stall;
  private final MemorySegment exception;
  private final VmmCapabilities capabilities;
  private final Stops stops;
  private final long memoryByteSize;

  private Owed owed = Owed.NOTHING;

  /** The last exit was an access in a single step, behind which the processor does not stop. */
  private boolean owesStep;

  /** No register was ever set: the kernel's are 0, not those of a reset. */
  private boolean pristine = true;

  /** The kernel lets the guest run without paging. */
  private boolean unrestricted;

  private boolean otherFormTried;

  /** The kernel reported that the VM stands still, and runs it no more. */
  private boolean suspended;

  /**
   * Creates a vCPU.
   *
   * @param vm its VM, whose arena owns what it shares with the kernel
   * @param descriptor of the VM
   * @param cpu its number
   */
  BhyveVcpu(HostCalls host, BhyveVm vm, Descriptor descriptor, int cpu, Arena arena) {
    this.host = host;
    this.vm = vm;
    this.descriptor = descriptor;
    number = arena.allocateFrom(JAVA_INT, cpu);
    run = new VmmRun(cpu, arena);
    registers = new VmmRegisters(descriptor, cpu, arena);
    kicks = new Kicks(descriptor, number);
    Translation translation = new Translation(descriptor, cpu, arena);
    string = new StringPort(descriptor, number, run, registers, vm.memory(), translation);
    stall = new StallWatch(vm.hypervisor().options().stallLimit(), registers, translation, vm);
    exception = arena.allocate(VmmStructs.EXCEPTION);
    exception.set(JAVA_INT, Fields.offset(VmmStructs.EXCEPTION, "cpuid"), cpu);
    exception.set(JAVA_INT, Fields.offset(VmmStructs.EXCEPTION, "vector"), GENERAL_PROTECTION);
    exception.set(JAVA_INT, Fields.offset(VmmStructs.EXCEPTION, "error_code_valid"), 1);
    exception.set(JAVA_INT, Fields.offset(VmmStructs.EXCEPTION, "restart_instruction"), 1);
    capabilities = new VmmCapabilities(descriptor, cpu, arena);
    stops = new Stops(capabilities);
    memoryByteSize = vm.memory().byteSize();
    interceptHalts();
  }

  /** Otherwise a guest that halts for good halts the host's processor, and nobody learns of it. */
  private void interceptHalts() {
    capabilities.set(VmmCapabilities.HALT_EXIT, true);
  }

  @Override
  public ExitKind run(ExitFrame exit) {
    kicks.enter();
    try {
      prepare(exit);
      if (isStepDone()) {
        return stepDone(exit);
      }
      boolean explain = false;
      while (true) {
        boolean old = vm.hypervisor().forms().oldRun();
        long result = enterGuest(old, explain);
        if (result >= 0) {
          explain = false;
          ExitKind kind = decode(exit);
          if (kind != null) {
            owesStep = stops.isStepping() && isAccess(kind);
            return kind;
          }
        } else if (!explain) {
          // Again from where it failed, to learn why. Left alone, the kernel would go on behind an
          // instruction that a device of its own refused. Nothing is done twice: but for a form
          // that it does not know, and a VM that is gone, a run fails by what the guest did in it.
          descriptor.ioctl(VmmIoctl.RESTART_INSTRUCTION, number, "");
          explain = true;
        } else {
          explain = false;
          ExitKind kind = failed((int) -result, old, exit);
          if (kind != null) {
            return kind;
          }
        }
      }
    } finally {
      kicks.leave();
    }
  }

  private void prepare(ExitFrame exit) {
    settle(exit);
    if (suspended) {
      revive();
    }
    if (pristine) {
      write(resetState());
    }
    vm.installMemory();
    kicks.activate();
    stall.begin();
  }

  private static boolean isAccess(ExitKind kind) {
    return switch (kind) {
      case IO_WRITE, IO_READ, MMIO_WRITE, MMIO_READ -> true;
      default -> false;
    };
  }

  /** A string instruction is one step with its last element. */
  private boolean isStepDone() {
    boolean done = owesStep && !(run.exitCode() == VmmExit.INOUT_STR && string.isRepeating());
    owesStep = false;
    return done;
  }

  /** Reports the step that an access to a port or outside memory was. */
  private ExitKind stepDone(ExitFrame exit) {
    long next = run.rip() + run.instructionLength();
    registers.set(VmmRegisters.RIP, next);
    return exit.event(ExitKind.DEBUG, next, DebugCause.STEP.ordinal());
  }

  /** Learning why a call failed allocates until it is compiled, so that it is tried without. */
  private long enterGuest(boolean old, boolean explain) {
    int code = VmmForms.run(old).code();
    long argument = run.argument(old);
    return explain
        ? host.ioctl(descriptor.number(), code, argument)
        : host.hotIoctl(descriptor.number(), code, argument);
  }

  /** {@return what the guest did, or null if it is to run on} */
  private @Nullable ExitKind failed(int errno, boolean old, ExitFrame exit) {
    return switch (errno) {
      case FreeBsdErrno.EINTR -> null; // somebody's signal
      case FreeBsdErrno.ENOTTY -> {
        if (otherFormTried) {
          throw Descriptor.failure(host, errno, VmmForms.run(old).toString(), "nor its other form");
        }
        otherFormTried = true;
        vm.hypervisor().forms().otherRun(old);
        yield null;
      }
      case FreeBsdErrno.EFAULT ->
          exit.event(ExitKind.PROTECTION_FAULT, ExitFrame.UNKNOWN_ADDRESS, 0);
      case FreeBsdErrno.EIO, FreeBsdErrno.EINVAL -> {
        // The guest touched a device of the kernel in a way that the device does not know.
        LOG.debug("VM_RUN failed with errno {} by what the guest did", errno);
        yield exit.event(ExitKind.INTERNAL_ERROR, 0, errno);
      }
      default -> throw Descriptor.failure(host, errno, VmmForms.run(old).toString(), "");
    };
  }

  /** {@return what the guest did, or null if it is to run on} */
  private @Nullable ExitKind decode(ExitFrame exit) {
    int code = run.exitCode();
    return switch (code) {
      case VmmExit.INOUT -> io(exit);
      case VmmExit.INOUT_STR -> string(exit);
      case VmmExit.INST_EMUL -> mmio(exit);
      case VmmExit.BOGUS -> stall.isForGood(run.rip()) ? exit.event(ExitKind.SHUTDOWN, 0, 0) : null;
      case VmmExit.REQIDLE, VmmExit.PAUSE -> null;
      case VmmExit.DEBUG -> {
        kicks.consume();
        yield exit.event(ExitKind.INTERRUPTED, 0, 0);
      }
      case VmmExit.MTRAP, VmmExit.DB ->
          exit.event(ExitKind.DEBUG, run.rip(), DebugCause.STEP.ordinal());
      case VmmExit.BPT ->
          exit.event(ExitKind.DEBUG, run.rip(), DebugCause.SOFTWARE_BREAKPOINT.ordinal());
      case VmmExit.RDMSR, VmmExit.WRMSR -> {
        descriptor.ioctl(VmmIoctl.INJECT_EXCEPTION, exception, "vector=" + GENERAL_PROTECTION);
        yield null;
      }
      case VmmExit.HLT -> exit.event(ExitKind.HALT, 0, 0);
      case VmmExit.SUSPENDED -> suspended(exit);
      case VmmExit.VMX -> vmx(exit);
      case VmmExit.SVM -> svm(exit);
      default -> exit.event(ExitKind.UNKNOWN, run.rip(), code);
    };
  }

  private ExitKind io(ExitFrame exit) {
    int flags = run.ioFlags();
    int width = flags & VmmRun.WIDTH;
    if (width != 1 && width != 2 && width != 4) {
      return exit.event(ExitKind.INTERNAL_ERROR, run.rip(), VmmExit.INOUT);
    }
    long mask = -1L >>> (64 - 8 * width);
    if ((flags & VmmRun.IN) == 0) {
      return exit.access(ExitKind.IO_WRITE, run.ioPort(), width, run.ioEax() & mask);
    }
    owed = Owed.IO;
    return exit.access(ExitKind.IO_READ, run.ioPort(), width, NOTHING_ANSWERS & mask);
  }

  private @Nullable ExitKind string(ExitFrame exit) {
    ExitKind kind = string.next(exit);
    if (kind == ExitKind.IO_READ) {
      owed = Owed.STRING;
    }
    return kind;
  }

  private ExitKind mmio(ExitFrame exit) {
    long address = run.emulatedAddress();
    // Memory without any permission is not mapped.
    if (Long.compareUnsigned(address, memoryByteSize) < 0) {
      return exit.event(ExitKind.PROTECTION_FAULT, address, 0);
    }
    if (!instruction.decode(run)) {
      // Running on would repeat what the kernel could not decode, for ever.
      LOG.debug("instruction at rip=0x{} is not emulated", Long.toHexString(run.rip()));
      return exit.event(ExitKind.INTERNAL_ERROR, address, VmmExit.INST_EMUL);
    }
    int width = instruction.width();
    if (instruction.isWrite()) {
      return exit.access(ExitKind.MMIO_WRITE, address, width, instruction.value(registers));
    }
    owed = Owed.MMIO;
    return exit.access(ExitKind.MMIO_READ, address, width, NOTHING_ANSWERS >>> (64 - 8 * width));
  }

  private ExitKind suspended(ExitFrame exit) {
    suspended = true;
    int how = run.suspendedHow();
    return switch (how) {
      case VmmSuspend.HALT -> exit.event(ExitKind.HALT, 0, 0);
      case VmmSuspend.RESET, VmmSuspend.POWEROFF, VmmSuspend.TRIPLEFAULT ->
          exit.event(ExitKind.SHUTDOWN, 0, 0);
      case VmmSuspend.DESTROY ->
          throw Descriptor.failure(
              host,
              FreeBsdErrno.ENXIO,
              VmmForms.run(vm.hypervisor().forms().oldRun()).toString(),
              "somebody destroyed the VM");
      default -> exit.event(ExitKind.UNKNOWN, 0, how);
    };
  }

  private ExitKind vmx(ExitFrame exit) {
    if (run.vmxStatus() != 0) {
      return exit.event(ExitKind.ENTRY_FAILED, 0, run.vmxError());
    }
    int reason = run.vmxReason();
    if ((reason & VMX_ENTRY_FAILED) != 0) {
      return exit.event(ExitKind.ENTRY_FAILED, 0, Integer.toUnsignedLong(reason));
    }
    return reason == VMX_TRIPLE_FAULT
        ? exit.event(ExitKind.SHUTDOWN, 0, 0)
        : exit.event(ExitKind.INTERNAL_ERROR, run.rip(), reason);
  }

  private ExitKind svm(ExitFrame exit) {
    long code = run.svmExitCode();
    if ((int) code == -1) {
      return exit.event(ExitKind.ENTRY_FAILED, 0, code);
    }
    if (code == SVM_SHUTDOWN) {
      return exit.event(ExitKind.SHUTDOWN, 0, 0);
    }
    long address = run.svmExitInfo2();
    boolean memory =
        code == SVM_NESTED_PAGE_FAULT && Long.compareUnsigned(address, memoryByteSize) < 0;
    return memory
        ? exit.event(ExitKind.PROTECTION_FAULT, address, 0)
        : exit.event(ExitKind.INTERNAL_ERROR, address, code);
  }

  /** Hands the guest what it reads. The kernel moves the instruction pointer when it runs on. */
  private void settle(ExitFrame exit) {
    Owed what = owed;
    owed = Owed.NOTHING;
    switch (what) {
      case NOTHING -> {}
      case IO -> registers.setPart(VmmRegisters.RAX, run.ioFlags() & VmmRun.WIDTH, exit.value());
      case STRING -> string.complete(exit.value());
      case MMIO -> instruction.complete(registers, exit.value());
    }
  }

  /**
   * A VM that stands still, because its guest halted with interrupts off, runs again after a reset
   * alone. That takes the registers, which are put back, and the floating-point state, which nobody
   * can reach.
   */
  private void revive() {
    X86CpuState state = readRegisters();
    reset();
    writeRegisters(state);
  }

  private void reset() {
    if (vm.activeVcpus() > 1) {
      throw new UnsupportedOperationException(
          "the VM stands still, and FreeBSD's vmm can only reset all its vCPUs at once: close it");
    }
    kicks.deactivate();
    descriptor.ioctl(VmmIoctl.REINIT, 0);
    suspended = false;
    if (unrestricted) {
      capabilities.set(VmmCapabilities.UNRESTRICTED_GUEST, true);
    }
    interceptHalts();
    stops.restore();
    vm.restoreChips();
  }

  @Override
  public void kick() {
    kicks.kick();
  }

  @Override
  public X86CpuState readState() {
    kicks.checkOpen();
    return pristine ? resetState() : readRegisters();
  }

  private X86CpuState readRegisters() {
    stops.beginRegisters();
    X86CpuState state = registers.read();
    stops.endRegisters();
    return state;
  }

  private void writeRegisters(X86CpuState state) {
    if (!unrestricted && (state.get(X86Register.CR0) & VmmRegisters.CR0_PAGING) == 0) {
      if (!capabilities.isOffered(VmmCapabilities.UNRESTRICTED_GUEST)) {
        throw new HypervisorUnavailableException(
            "bhyve: this processor runs no guest without paging: it lacks VT-x's unrestricted"
                + " guest");
      }
      capabilities.set(VmmCapabilities.UNRESTRICTED_GUEST, true);
      unrestricted = true;
    }
    stops.beginRegisters();
    registers.write(state);
    stops.endRegisters();
  }

  @Override
  public void writeState(CpuState state) {
    kicks.checkOpen();
    if (suspended) {
      reset();
    }
    write(
        switch (state) {
          case X86CpuState it -> it;
        });
  }

  private void write(X86CpuState state) {
    writeRegisters(state);
    owed = Owed.NOTHING;
    owesStep = false;
    pristine = false;
  }

  /** The processor's state after a reset. */
  private static X86CpuState resetState() {
    X86Segment data = new X86Segment(0, 0, 0xffff, 0x93);
    X86CpuState state =
        new X86CpuState()
            .set(X86Register.RIP, 0xfff0)
            .set(X86Register.RDX, 0x600)
            .set(X86Register.RFLAGS, 0x2)
            .set(X86Register.CR0, 0x60000010L) // CD, NW, ET
            .set(X86Register.GDT_LIMIT, 0xffff)
            .set(X86Register.IDT_LIMIT, 0xffff);
    for (X86Segment.Name name : X86Segment.Name.values()) {
      state.set(name, data);
    }
    return state
        .set(X86Segment.Name.CS, new X86Segment(0xf000, 0xffff0000L, 0xffff, 0x9b))
        .set(X86Segment.Name.TR, new X86Segment(0, 0, 0xffff, 0x8b))
        .set(X86Segment.Name.LDTR, new X86Segment(0, 0, 0xffff, 0x82));
  }

  @Override
  public <T extends VcpuAbility> Optional<T> ability(Class<T> type) {
    if (type == DebugControl.class && features().isEmpty()) {
      return Optional.empty();
    }
    return type.isInstance(this) ? Optional.of(type.cast(this)) : Optional.empty();
  }

  @Override
  public Set<Feature> features() {
    return stops.features();
  }

  /** Breakpoints in the processor's registers are the guest's own: it gets their exceptions. */
  @Override
  public int breakpointLimit() {
    return 0;
  }

  @Override
  public void debug(boolean step, boolean software, List<Breakpoint> breakpoints) {
    kicks.checkOpen();
    stops.want(step, software, breakpoints);
    owesStep &= step;
  }

  @Override
  public long cycleCounterHz() {
    return vm.hypervisor().cycleCounterHz();
  }

  boolean isActive() {
    return kicks.isActive();
  }

  boolean isRunning() {
    return kicks.isRunning();
  }

  @Override
  public void close() {
    kicks.close();
  }
}
