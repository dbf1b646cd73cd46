// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import dev.tealight.CpuState;
import dev.tealight.ExitFrame;
import dev.tealight.ExitKind;
import dev.tealight.ExitKind.DebugCause;
import dev.tealight.HostCallException;
import dev.tealight.Vcpu;
import dev.tealight.X86CpuState;
import dev.tealight.ffi.posix.Descriptor;
import dev.tealight.ffi.posix.HostCalls;
import dev.tealight.ffi.posix.KickSignal;
import dev.tealight.ffi.posix.LinuxErrno;
import dev.tealight.spi.DebugControl;
import dev.tealight.spi.InterruptInjector;
import dev.tealight.spi.UnprivilegedStart;
import dev.tealight.spi.VcpuAbility;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A vCPU: its descriptor, the page it shares with KVM, and the loop around {@code KVM_RUN}. */
final class KvmVcpu implements Vcpu, DebugControl, InterruptInjector, UnprivilegedStart {
  private static final Logger LOG = LoggerFactory.getLogger(KvmVcpu.class);

  private static final int BREAKPOINT_EXCEPTION = 3;

  /** Set in DR6 by a single step. */
  private static final long DR6_STEP = 1 << 14;

  /** What a read gives that nobody completes: a bus on which nothing answers. */
  private static final long NOTHING_ANSWERS = -1;

  /** The answer that the last exit still owes the guest. */
  private enum Owed {
    NOTHING,
    IO,
    MMIO
  }

  private final HostCalls host;
  private final KvmVm vm;
  private final Descriptor descriptor;
  private final KvmRun run;
  private final Kicks kicks;
  private final MemorySegment regs;
  private final MemorySegment sregs;
  private final long memoryByteSize;
  private final Arena arena;
  private @Nullable KvmInterrupt interrupt;

  private @Nullable Thread runner;
  private int runnerNumber;

  private Owed owed = Owed.NOTHING;

  /** Set if the guest runs at privilege level 3. */
  private @Nullable Ring3 ring3;

  /** Executes what KVM fails to emulate, if that was asked for. */
  private final @Nullable FailedInstructions failed;

  // The elements of a string instruction that are still to be presented.
  private int elementsLeft;
  private long elementOffset;

  /**
   * Takes over a vCPU that was just created.
   *
   * @param vm its VM, whose arena owns the mapping
   * @param descriptor closed with it
   * @param mapping the page it shares with KVM
   */
  KvmVcpu(HostCalls host, KvmVm vm, Descriptor descriptor, MemorySegment mapping, Arena arena) {
    this.host = host;
    this.vm = vm;
    this.descriptor = descriptor;
    this.arena = arena;
    run = new KvmRun(mapping);
    kicks = new Kicks(host, run);
    regs = arena.allocate(KvmRegs.LAYOUT);
    sregs = arena.allocate(KvmSregs.LAYOUT);
    memoryByteSize = vm.memory().byteSize();
    failed = vm.hypervisor().isCompleting() ? new FailedInstructions(arena) : null;
  }

  @Override
  public ExitKind run(ExitFrame exit) {
    settle(exit);
    if (elementsLeft > 0) {
      return element(exit);
    }
    vm.installMemory();
    Ring3 below = ring3;
    boolean explain = false;
    while (true) {
      long result;
      boolean kicked;
      ExitKind end = null;
      kicks.enter(currentThread());
      try {
        boolean runsOn;
        do {
          result = enterGuest(explain);
          runsOn = false;
          if (below != null && result >= 0 && run.exitReason() == KvmExit.SHUTDOWN) {
            end = below.stopped(exit);
            runsOn = end == null;
          }
        } while (runsOn);
      } finally {
        kicked = kicks.leave();
      }
      if (end != null) {
        return end;
      }
      if (result >= 0) {
        int reason = run.exitReason();
        if (reason == KvmExit.INTERNAL_ERROR && isCompleted()) {
          continue;
        }
        if (reason != KvmExit.SET_TPR && reason != KvmExit.INTR) {
          return decode(reason, exit);
        }
        explain = false; // nothing that anybody asked for
      } else if (kicked) {
        // If it failed for another reason as well, it will again.
        kicks.consume();
        return exit.event(ExitKind.INTERRUPTED, 0, 0);
      } else if (!explain) {
        explain = true;
      } else if (result == -LinuxErrno.EFAULT) {
        return exit.event(ExitKind.PROTECTION_FAULT, faultAddress(), 0);
      } else if (result == -LinuxErrno.EINTR) {
        explain = false; // somebody else's signal
      } else {
        throw Descriptor.failure(host, (int) -result, KvmIoctl.RUN.toString(), "");
      }
    }
  }

  /**
   * Enters the guest. Learning why that failed allocates until it is compiled, and nothing has
   * happened when it has, so it is tried without first.
   */
  private long enterGuest(boolean explain) {
    int code = KvmIoctl.RUN.code();
    return explain
        ? host.ioctl(descriptor.number(), code, 0)
        : host.hotIoctl(descriptor.number(), code, 0);
  }

  private long faultAddress() {
    return run.exitReason() == KvmExit.MEMORY_FAULT
        ? run.memoryFaultAddress()
        : ExitFrame.UNKNOWN_ADDRESS;
  }

  /** {@return the number of the calling thread} Asked for again only when the thread changes. */
  private int currentThread() {
    Thread current = Thread.currentThread();
    // A virtual thread may have changed its carrier since the last run.
    if (current != runner || current.isVirtual()) {
      KickSignal.unblock(host);
      runnerNumber = (int) host.gettid();
      runner = current;
    }
    return runnerNumber;
  }

  private ExitKind decode(int reason, ExitFrame exit) {
    return switch (reason) {
      case KvmExit.IO -> io(exit);
      case KvmExit.MMIO -> mmio(exit);
      case KvmExit.HLT -> exit.event(ExitKind.HALT, 0, 0);
      case KvmExit.IRQ_WINDOW_OPEN -> exit.event(ExitKind.INTERRUPT_WINDOW, 0, 0);
      case KvmExit.DEBUG -> exit.event(ExitKind.DEBUG, run.debugAddress(), debugCause().ordinal());
      case KvmExit.SHUTDOWN -> exit.event(ExitKind.SHUTDOWN, 0, 0);
      case KvmExit.FAIL_ENTRY -> exit.event(ExitKind.ENTRY_FAILED, 0, run.entryFailureReason());
      case KvmExit.INTERNAL_ERROR -> internalError(exit);
      case KvmExit.MEMORY_FAULT ->
          exit.event(ExitKind.PROTECTION_FAULT, run.memoryFaultAddress(), 0);
      default -> exit.event(ExitKind.UNKNOWN, 0, reason);
    };
  }

  private ExitKind io(ExitFrame exit) {
    elementsLeft = run.ioCount();
    elementOffset = run.ioDataOffset();
    return element(exit);
  }

  /** Presents the next element of an I/O instruction; all but string instructions have one. */
  private ExitKind element(ExitFrame exit) {
    int width = run.ioWidth();
    int port = run.ioPort();
    if (run.ioIsWrite()) {
      long value = run.ioData(elementOffset, width);
      nextElement();
      return exit.access(ExitKind.IO_WRITE, port, width, value);
    }
    owed = Owed.IO;
    return exit.access(ExitKind.IO_READ, port, width, NOTHING_ANSWERS >>> (64 - 8 * width));
  }

  private void nextElement() {
    elementsLeft--;
    elementOffset += run.ioWidth();
  }

  private ExitKind mmio(ExitFrame exit) {
    long address = run.mmioAddress();
    // Memory only exits if its slot is read-only.
    if (Long.compareUnsigned(address, memoryByteSize) < 0) {
      return exit.event(ExitKind.PROTECTION_FAULT, address, 0);
    }
    int width = run.mmioWidth();
    if (run.mmioIsWrite()) {
      return exit.access(ExitKind.MMIO_WRITE, address, width, run.mmioData(width));
    }
    owed = Owed.MMIO;
    return exit.access(ExitKind.MMIO_READ, address, width, NOTHING_ANSWERS >>> (64 - 8 * width));
  }

  /** Hands the guest what it reads; KVM takes it when the vCPU runs on. */
  private void settle(ExitFrame exit) {
    switch (owed) {
      case NOTHING -> {}
      case IO -> {
        run.ioData(elementOffset, run.ioWidth(), exit.value());
        nextElement();
      }
      case MMIO -> run.mmioData(exit.value());
    }
    owed = Owed.NOTHING;
  }

  private DebugCause debugCause() {
    if (run.debugException() == BREAKPOINT_EXCEPTION) {
      return DebugCause.SOFTWARE_BREAKPOINT;
    }
    return (run.debugStatus() & DR6_STEP) != 0 ? DebugCause.STEP : DebugCause.HARDWARE_BREAKPOINT;
  }

  private ExitKind internalError(ExitFrame exit) {
    int code = run.internalErrorCode();
    if (LOG.isDebugEnabled()) {
      LOG.debug("KVM internal error {}, instruction {}", code, run.failedInstruction());
    }
    if (code == KvmRun.EMULATION_FAILED) {
      Ring3 below = ring3;
      long store =
          below != null && below.isStore()
              ? ExitFrame.UNKNOWN_ADDRESS
              : FailedStore.address(run, memoryByteSize);
      if (store != FailedStore.NONE) {
        return exit.event(ExitKind.PROTECTION_FAULT, store, 0);
      }
    }
    return exit.event(ExitKind.INTERNAL_ERROR, 0, code);
  }

  /** {@return whether the instruction that failed has been executed after all} */
  private boolean isCompleted() {
    FailedInstructions somebody = failed;
    return somebody != null
        && run.internalErrorCode() == KvmRun.EMULATION_FAILED
        && somebody.complete(this, descriptor, vm);
  }

  @Override
  public void kick() {
    kicks.kick();
  }

  @Override
  public X86CpuState readState() {
    descriptor.ioctl(KvmIoctl.GET_REGS, regs, "");
    descriptor.ioctl(KvmIoctl.GET_SREGS, sregs, "");
    X86CpuState state = new X86CpuState();
    KvmRegs.fromNative(regs, state);
    KvmSregs.fromNative(sregs, state);
    return state;
  }

  @Override
  public void writeState(CpuState state) {
    X86CpuState x86 = (X86CpuState) state;
    descriptor.ioctl(KvmIoctl.GET_SREGS, sregs, "");
    KvmSregs.toNative(x86, sregs);
    descriptor.ioctl(KvmIoctl.SET_SREGS, sregs, state);
    KvmRegs.toNative(x86, regs);
    descriptor.ioctl(KvmIoctl.SET_REGS, regs, state);
  }

  @Override
  public void start(CpuState state, long scratch) {
    X86CpuState x86 = (X86CpuState) state;
    ring3 = new Ring3(this, descriptor, vm.memory(), arena, x86, scratch);
  }

  @Override
  public Optional<String> reason() {
    return ring3 == null ? Optional.empty() : Optional.of(vm.hypervisor().ring3().reason());
  }

  @Override
  public long cycleCounterHz() {
    try {
      return descriptor.ioctl(KvmIoctl.GET_TSC_KHZ, 0) * 1_000L;
    } catch (HostCallException e) {
      if (e.errno() != LinuxErrno.EIO) {
        throw e;
      }
      throw Descriptor.failure(
          host,
          e.errno(),
          e.call(),
          "the host's time stamp counter is not stable, and guests read their clock from it: run on"
              + " a host with an invariant counter");
    }
  }

  @Override
  public <T extends VcpuAbility> Optional<T> ability(Class<T> type) {
    if ((type == DebugControl.class && features().isEmpty())
        || (type == InterruptInjector.class && ring3 != null)
        || (type == UnprivilegedStart.class && !vm.hypervisor().ring3().isUsed())) {
      return Optional.empty();
    }
    return type.isInstance(this) ? Optional.of(type.cast(this)) : Optional.empty();
  }

  /** None at level 3, where KVM takes the requests and does something else. */
  @Override
  public Set<Feature> features() {
    return ring3 == null ? vm.hypervisor().debugFeatures() : Set.of();
  }

  @Override
  public int breakpointLimit() {
    return KvmGuestDebug.BREAKPOINT_LIMIT;
  }

  @Override
  public void debug(boolean step, boolean software, List<Breakpoint> breakpoints) {
    KvmGuestDebug wanted = new KvmGuestDebug(step, software, breakpoints);
    for (Feature feature : wanted.needs()) {
      if (!features().contains(feature)) {
        throw new UnsupportedOperationException(
            "KVM cannot do %s for this guest here, only %s".formatted(feature, features()));
      }
    }
    setDebug(wanted);
  }

  /** Sets it without asking whether it works. */
  void setDebug(KvmGuestDebug wanted) {
    try (Arena arena = Arena.ofConfined()) {
      descriptor.ioctl(KvmIoctl.SET_GUEST_DEBUG, wanted.toNative(arena), wanted);
    }
  }

  @Override
  public boolean canInject() {
    return run.readyForInterrupt();
  }

  @Override
  public void inject(int vector) {
    if (!canInject()) {
      throw new IllegalStateException(
          "the guest would not take interrupt %d now: wait for INTERRUPT_WINDOW".formatted(vector));
    }
    KvmInterrupt request = interrupt;
    if (request == null) {
      // Most guests get none.
      request = new KvmInterrupt(arena);
      interrupt = request;
    }
    descriptor.ioctl(KvmIoctl.INTERRUPT, request.of(vector), request);
  }

  @Override
  public void requestWindow(boolean wanted) {
    run.requestInterruptWindow(wanted);
  }

  boolean isRunning() {
    return kicks.isRunning();
  }

  @Override
  public void close() {
    if (retire()) {
      closeDescriptor();
    }
  }

  /** {@return whether it was in use} From now on, nobody kicks it or touches what it shares. */
  boolean retire() {
    return kicks.close();
  }

  void closeDescriptor() {
    descriptor.close();
  }
}
