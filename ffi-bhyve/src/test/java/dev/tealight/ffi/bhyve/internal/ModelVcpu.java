// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import dev.tealight.ExitFrame;
import dev.tealight.ExitKind;
import dev.tealight.Vcpu;
import dev.tealight.ffi.posix.FreeBsdErrno;
import dev.tealight.spi.DebugControl;
import dev.tealight.spi.InterruptInjector;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A vCPU of the model: a software processor and what vmm keeps beside it. */
final class ModelVcpu {
  private static final long INTERRUPTS_ENABLED = 1 << 9;
  private static final long BOGUS_AFTER_MILLIS = 2;

  /** What the processor says of a protection fault that a fetch met. */
  private static final int FETCH = 4;

  private static final int TRIPLE_FAULT = 2;
  private static final int ENTRY_FAILED = 0x8000_0021; // the guest's state is invalid

  private final ModelVm vm;
  private final VmmFacts facts;
  final Vcpu processor;
  final ModelCapabilities capabilities;
  private final ExitFrame frame = new ExitFrame();

  // Guarded by the VM's lock.
  boolean active;
  boolean marked;
  boolean running;
  boolean sawSuspension;
  boolean reportedSuspension;
  int idleRequests;

  /** The interrupt controllers have something. */
  boolean interrupted;

  /** Exits to make instead of running the guest. */
  final Queue<Consumer<MemorySegment>> script = new ArrayDeque<>();

  /** What a VM_RUN is to fail with instead of running the guest. */
  final Queue<Integer> errors = new ArrayDeque<>();

  private final ModelRegisters registers;
  private final ModelExits exits;
  final ModelEvents events;
  private final ModelAccess access;
  private final DebugControl debug;
  private final InterruptInjector injector;

  /** Whether the processor was told where to stop. */
  private boolean stopped;

  private boolean shutDown;
  private boolean halted;

  ModelVcpu(ModelVm vm, VmmFacts facts, Vcpu processor) {
    this.vm = vm;
    this.facts = facts;
    this.processor = processor;
    registers = new ModelRegisters(facts, vm.kernel.amd);
    exits = new ModelExits(facts, registers);
    events = new ModelEvents(facts);
    access = new ModelAccess(vm, facts, processor, frame, registers, exits);
    capabilities = new ModelCapabilities(facts, vm.kernel.amd, vm.kernel.unrestricted);
    debug = processor.ability(DebugControl.class).orElseThrow();
    injector = processor.ability(InterruptInjector.class).orElseThrow();
  }

  /** As after the kernel made or reset it: all registers 0. */
  void reset() {
    registers.reset();
    shutDown = false;
    halted = false;
    active = false;
    marked = false;
    capabilities.reset();
    sawSuspension = false;
    reportedSuspension = false;
    events.reset();
    interrupted = false;
  }

  void restart() {
    registers.nextRip = registers.rip;
    registers.changed = true;
  }

  /** {@return 0 or a negated errno} */
  long inject(MemorySegment argument) {
    long result = events.inject(argument);
    if (result == 0 && facts.getInt(argument, "vm_exception.restart_instruction") != 0) {
      restart();
    }
    return result;
  }

  void injectNmi() {
    synchronized (vm.lock) {
      events.injectNmi();
      wake(); // also out of a halt
    }
  }

  // Registers.

  /** {@return the value, or null if there is no such register} */
  @Nullable Long get(int number) {
    return registers.get(number);
  }

  boolean set(int number, long value) {
    shutDown = false;
    return registers.set(number, value);
  }

  /** {@return 0 or a negated errno} */
  long setCapability(int type, int value) {
    long result = capabilities.set(type, value);
    if (result == 0 && type == ModelCapabilities.RFLAGS_TF) {
      registers.trace(value != 0);
    }
    return result;
  }

  boolean getDescriptor(int number, MemorySegment argument) {
    return registers.getDescriptor(number, argument);
  }

  boolean setDescriptor(int number, MemorySegment argument) {
    return registers.setDescriptor(number, argument);
  }

  // Running.

  /** Called with a change that the vCPU has to see. */
  void wake() {
    processor.kick();
    vm.lock.notifyAll();
  }

  /** {@return 0 with the exit filled, or a negated errno} */
  long run(MemorySegment exit) {
    synchronized (vm.lock) {
      vm.awaitIdle(this); // two threads call each other out, for ever
      if (vm.destroyed) {
        return -FreeBsdErrno.ENXIO;
      }
      if (!active || reportedSuspension) {
        return -FreeBsdErrno.EINVAL;
      }
      running = true;
    }
    try {
      return runGuest(exit);
    } finally {
      synchronized (vm.lock) {
        running = false;
        vm.lock.notifyAll();
      }
    }
  }

  private long runGuest(MemorySegment exit) {
    registers.rip = registers.nextRip;
    halted = false; // whoever came out of a halt goes on behind it
    while (true) {
      synchronized (vm.lock) {
        Long out = leave(exit);
        if (out != null) {
          return out;
        }
        if (halted && !events.isPending() && !(interrupted && interruptsEnabled())) {
          sleep();
          continue;
        }
        halted = false;
        if (!shutDown && events.isPending()) {
          shutDown = !events.deliver(registers, vm.memory());
        }
      }
      if (shutDown) {
        return bogusAfterAWhile(exit);
      }
      boolean steps = registers.isTraced() || capabilities.monitorTrap();
      boolean stops = steps || capabilities.breakpointExit();
      if (stops || stopped) {
        debug.debug(steps, capabilities.breakpointExit(), List.of());
        stopped = stops;
      }
      long from = registers.nextRip;
      if (registers.cr3() == ModelMemory.FLAT && !capabilities.unrestrictedGuest()) {
        return exits.vmx(exit, ENTRY_FAILED);
      }
      registers.enter(processor);
      deliver();
      ExitKind kind = processor.run(frame);
      registers.leave(processor);
      registers.changed = steps; // nothing more is told of an instruction that made an exit
      long at = registers.rip;
      switch (kind) {
        case INTERRUPTED -> {
          synchronized (vm.lock) {
            Long out = leave(exit);
            if (out != null) {
              return out;
            }
            if (!interrupted) {
              return exits.fill(exit, "VM_EXITCODE_BOGUS", at, 0);
            }
          }
        }
        case INTERRUPT_WINDOW -> {}
        case IO_WRITE, IO_READ -> {
          Long out = access.port(exit, kind == ExitKind.IO_READ);
          if (out != null) {
            return out;
          }
        }
        case MMIO_WRITE, MMIO_READ -> {
          Long out = access.outside(exit, frame.address(), kind == ExitKind.MMIO_READ);
          if (out != null) {
            return out;
          }
        }
        case PROTECTION_FAULT -> {
          registers.changed = true;
          if (vm.memory().isForbidden(frame.address())) {
            return -FreeBsdErrno.EFAULT;
          }
          if (frame.detail() == FETCH) {
            return access.nestedFault(exit, frame.address());
          }
          Long out = access.outside(exit, frame.address(), false);
          if (out != null) {
            return out;
          }
        }
        case INTERNAL_ERROR -> {
          registers.changed = true;
          return access.nestedFault(exit, frame.address());
        }
        case DEBUG -> {
          if (frame.detail() == ExitKind.DebugCause.SOFTWARE_BREAKPOINT.ordinal()) {
            return exits.breakpoint(exit);
          }
          return vm.kernel.amd
              ? exits.stepByTrapFlag(exit, access.isPushOfFlags(from))
              : exits.fill(exit, "VM_EXITCODE_MTRAP", at, 0);
        }
        case HALT -> halted = true;
        case SHUTDOWN -> {
          Long lost = access.lost(exit); // which no exception can tell
          if (lost != null) {
            return lost;
          }
          shutDown = true;
          registers.endDelivery();
          if (!vm.kernel.amd) {
            return exits.vmx(exit, TRIPLE_FAULT);
          }
        }
        default -> throw new AssertionError("the processor left with " + frame);
      }
    }
  }

  /**
   * Hands over what the interrupt controllers have, or arranges to be told when that is possible.
   */
  private void deliver() {
    synchronized (vm.lock) {
      boolean now = interrupted && injector.canInject();
      if (now) {
        interrupted = false;
        int vector = vm.chips.vector();
        injector.inject(vector);
        vm.chips.accepted(vector);
      }
      injector.requestWindow(interrupted);
    }
  }

  /** {@return what is to be reported before the guest runs, or null} */
  private @Nullable Long leave(MemorySegment exit) {
    Integer error = errors.poll();
    if (error != null) {
      return (long) -error;
    }
    Consumer<MemorySegment> scripted = script.poll();
    if (scripted != null) {
      long _ = exits.fill(exit, "VM_EXITCODE_BOGUS", registers.nextRip, 0);
      scripted.accept(exit);
      registers.nextRip = registers.rip + facts.getInt(exit, "vm_exit.inst_length");
      registers.changed = true;
      return 0L;
    }
    if (vm.destroyed) {
      return exits.suspended(exit, facts.has("VM_SUSPEND_DESTROY") ? 5 : 2);
    }
    if (vm.suspension != 0) {
      sawSuspension = true;
      vm.lock.notifyAll();
      // Neither a mark nor who wants the vCPU ends this wait.
      while (!vm.allSawSuspension() && !vm.destroyed) {
        vm.await();
      }
      reportedSuspension = !vm.destroyed;
      return exits.suspended(exit, vm.destroyed ? VmmSuspend.DESTROY : vm.suspension);
    }
    if (marked) {
      return exits.fill(exit, "VM_EXITCODE_DEBUG", registers.nextRip, 0);
    }
    if (idleRequests > 0) {
      return exits.fill(exit, "VM_EXITCODE_REQIDLE", registers.nextRip, 0);
    }
    return null;
  }

  /** Sleeps in the kernel until something happens. */
  private void sleep() {
    if (!interruptsEnabled() && capabilities.haltExit() && vm.allHaltedForGood()) {
      vm.suspend(facts.number("VM_SUSPEND_HALT"));
    } else {
      vm.await();
    }
  }

  /** {@return whether it is halted until an interrupt comes} */
  boolean isAsleep() {
    synchronized (vm.lock) {
      return running && halted && interruptsEnabled();
    }
  }

  boolean isHaltedForGood() {
    return halted && !interruptsEnabled();
  }

  private boolean interruptsEnabled() {
    return (registers.rflags() & INTERRUPTS_ENABLED) != 0;
  }

  /** AMD: the kernel answers a shutdown by raising #UD, which shuts down again. */
  private long bogusAfterAWhile(MemorySegment exit) {
    synchronized (vm.lock) {
      if (!marked && vm.suspension == 0) {
        vm.await(BOGUS_AFTER_MILLIS);
      }
      Long out = leave(exit);
      return out != null ? out : exits.fill(exit, "VM_EXITCODE_BOGUS", registers.nextRip, 0);
    }
  }
}
