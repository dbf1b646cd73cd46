// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.run;

import dev.tealight.softcpu.internal.cpu.Cpu;
import dev.tealight.softcpu.internal.cpu.Environment;
import dev.tealight.softcpu.internal.cpu.ExitReason;
import dev.tealight.softcpu.internal.cpu.ExitSignal;
import dev.tealight.softcpu.internal.cpu.ExitState;
import dev.tealight.softcpu.internal.cpu.Flags;
import dev.tealight.softcpu.internal.cpu.Insn;
import dev.tealight.softcpu.internal.cpu.InterruptDelivery;
import dev.tealight.softcpu.internal.cpu.Ram;
import dev.tealight.softcpu.internal.decode.Decoder;
import dev.tealight.softcpu.internal.fault.GuestFault;
import dev.tealight.softcpu.internal.fault.Vector;
import dev.tealight.softcpu.internal.translate.Block;
import dev.tealight.softcpu.internal.translate.SharedCode;
import dev.tealight.softcpu.internal.translate.TranslatedCode;
import org.jspecify.annotations.Nullable;

/**
 * Runs guest code until something needs the monitor.
 *
 * <p>One thread at a time runs it; {@link #kick} may be called from any.
 */
public final class Processor {
  private static final long DR6_SINGLE_STEP = 1 << 14;

  /** What starts over with the monitor's answer. */
  private enum Restart {
    NOTHING,
    /** The instruction at RIP, or the delivery of the fault that it will raise once more. */
    INSTRUCTION,
    /** The delivery of the waiting interrupt, or of the fault that it will raise once more. */
    INTERRUPT,
    /** The delivery of the #DB behind an instruction that has run. */
    TRAP
  }

  public final Cpu cpu;
  public final Debugging debugging = new Debugging();

  private final BlockCache cache;
  private final Decoder decoder;
  private final @Nullable Translations translations;

  /** Set by other threads, cleared by the one that runs the guest. */
  private volatile boolean kicked;

  /** What the last exit left undone. */
  private Restart restart = Restart.NOTHING;

  /** The last exit was an instruction's own, after it had run: its step is still to be reported. */
  private boolean owesStep;

  /** RFLAGS.TF was set before that instruction. */
  private boolean owesTrap;

  /** A breakpoint at this address has just been reported: run over it. */
  private boolean passBreakpoint;

  private boolean windowRequested;
  private @Nullable Insn undefinedInstruction;

  /**
   * Creates a processor in the state after power-on.
   *
   * @param policy which code is translated
   */
  public Processor(Ram ram, Environment environment, TranslationPolicy policy) {
    this(ram, environment, policy, new SharedCode());
  }

  /**
   * Creates a processor in the state after power-on.
   *
   * @param policy which code is translated
   * @param shared what it has in common with other processors
   */
  public Processor(Ram ram, Environment environment, TranslationPolicy policy, SharedCode shared) {
    cache = new BlockCache(ram.segment().byteSize());
    cpu = new Cpu(ram, environment, cache);
    cache.attach(cpu);
    decoder = new Decoder(cpu);
    translations = policy.threshold() > 0 ? new Translations(cpu, cache, policy, shared) : null;
  }

  /** Makes {@link #run} return {@link ExitReason#KICKED} soon, or at its next start. */
  public void kick() {
    kicked = true;
  }

  /** Forgets a kick that nobody has seen yet. */
  public void clearKick() {
    kicked = false;
  }

  /** Asks for an exit as soon as an interrupt can be taken. */
  public void requestInterruptWindow(boolean on) {
    windowRequested = on;
    updateInterruptAttention();
  }

  /** Hands over an external interrupt; it is delivered when the guest allows. */
  public void interrupt(int vector) {
    cpu.pendingVector = vector;
    interruptPending = true;
    updateInterruptAttention();
  }

  private boolean interruptPending;

  public boolean isInterruptPending() {
    return interruptPending;
  }

  private void updateInterruptAttention() {
    if (interruptPending || windowRequested) {
      cpu.attention |= Cpu.INTERRUPT_PENDING;
    } else {
      cpu.attention &= ~Cpu.INTERRUPT_PENDING;
    }
  }

  /** Returns whether an interrupt handed over now would be delivered at once. */
  public boolean readyForInterrupt() {
    return cpu.flags.isSet(Flags.IF)
        && (cpu.attention & Cpu.INTERRUPT_SHADOW) == 0
        && !interruptPending
        && restart == Restart.NOTHING;
  }

  /** The monitor has set the registers: what the last exit left to be done is void. */
  public void abandonExit() {
    restart = Restart.NOTHING;
    owesStep = false;
    passBreakpoint = false;
    cpu.trapDue = false;
    cpu.outside.commit();
    cpu.attention &= ~(Cpu.EXIT_READY | Cpu.INTERRUPT_SHADOW);
    cpu.exit.reason = ExitReason.NONE;
  }

  /** Returns whether no instruction has left for the monitor and waits to be completed. */
  public boolean isAtRest() {
    return restart == Restart.NOTHING && !owesStep;
  }

  /**
   * Sets what a saved state says of interrupts.
   *
   * @param shadow whether they are held off until one more instruction has run
   * @param vector of the one that waits, or -1
   */
  public void restoreInterrupts(boolean shadow, int vector) {
    if (shadow) {
      cpu.attention |= Cpu.INTERRUPT_SHADOW;
    }
    interruptPending = vector >= 0;
    cpu.pendingVector = vector & 0xFF;
    updateInterruptAttention();
  }

  /** The monitor may have written {@code [gpa, gpa + byteSize)}. */
  public void memoryWritten(long gpa, long byteSize) {
    cache.written(gpa, byteSize);
  }

  /** The monitor may have written anywhere, or permissions have changed. */
  public void memoryChanged() {
    cache.clear();
    cpu.memory.flush();
  }

  /** Returns the last instruction that raised #UD, or null. */
  public @Nullable Insn undefinedInstruction() {
    return undefinedInstruction;
  }

  /**
   * Runs until an exit. The answer to a read is taken from {@code cpu.exit.value}.
   *
   * @return the reason, also in {@code cpu.exit}
   */
  public ExitReason run() {
    finishExit();
    while (true) {
      if (restart != Restart.NOTHING) { // even if kicked: what was answered has happened
        startOver();
      } else if (owesStep) {
        owesStep = false;
        cpu.trapDue = owesTrap;
        reportStep();
      } else if (kicked) {
        kicked = false;
        return leave(ExitReason.KICKED);
      } else if (cpu.attention != 0 || needsStepping()) {
        attend();
      } else {
        runBlocks();
      }
      if (cpu.exit.reason != ExitReason.NONE) {
        cpu.attention &= ~Cpu.EXIT_READY;
        return cpu.exit.reason;
      }
    }
  }

  private ExitReason leave(ExitReason reason) {
    cpu.exit.reason = reason;
    return reason;
  }

  /** Takes the answer to the last exit. */
  private void finishExit() {
    ExitState exit = cpu.exit;
    if (restart != Restart.NOTHING) {
      if (exit.reason == ExitReason.VIOLATION) {
        cpu.outside.commit(); // nothing to answer: try again
        restart = restart == Restart.TRAP ? Restart.TRAP : Restart.NOTHING;
      } else {
        cpu.outside.answer(exit.value);
      }
    }
    if (cache.mayBeStale()) {
      cpu.memory.codeDropped();
    }
    passBreakpoint =
        exit.reason == ExitReason.DEBUG
            && exit.debugCause == ExitState.DebugCause.HARDWARE_BREAKPOINT;
    exit.reason = ExitReason.NONE;
  }

  /** The steady path: block after block until something wants attention. */
  private void runBlocks() {
    try {
      Block block = cache.current();
      boolean begins = true;
      do {
        TranslatedCode code = translations == null ? null : translations.codeFor(block, begins);
        if (code == null) {
          execute(block);
          Block next = following(block);
          begins = next.rip <= block.rip || block.calls;
          block = next;
        } else {
          begins = true;
          if (code.run(cpu) == TranslatedCode.INTERPRET) {
            interpret();
          }
          if (cpu.attention != 0) {
            return;
          }
          block = cache.current();
        }
      } while (cpu.attention == 0 && !kicked);
    } catch (GuestFault fault) {
      deliverFault(Restart.INSTRUCTION); // of fetching the next block: RIP is right already
    } catch (ExitSignal signal) {
      leftInstruction(cpu.rip);
    }
  }

  /** Runs the instructions from the one on that translated code has not completed. */
  private void interpret() {
    cpu.exit.reason = ExitReason.NONE;
    cpu.outside.commit();
    execute(cache.current());
  }

  private Block following(Block block) {
    long rip = cpu.rip;
    long epoch = cpu.memory.epoch();
    Block guess = block.successor;
    if (guess != null && guess.rip == rip && guess.epoch == epoch && guess.valid) {
      return guess;
    }
    Block other = block.otherSuccessor;
    if (other != null && other.rip == rip && other.epoch == epoch && other.valid) {
      block.otherSuccessor = guess;
      block.successor = other;
      return other;
    }
    if (cpu.attention != 0) {
      return block; // the caller stops anyway: do not fetch what may never run
    }
    Block next = cache.current();
    block.otherSuccessor = guess;
    block.successor = next;
    return next;
  }

  private void execute(Block block) {
    Cpu processor = cpu;
    Insn[] insns = block.insns;
    int done = 0;
    processor.retired += insns.length;
    try {
      do {
        Insn insn = insns[done];
        processor.rip = insn.next();
        insn.operation().execute(processor, insn);
        done++;
      } while (done < insns.length && !cache.takeDropped());
    } catch (GuestFault fault) {
      processor.rip = insns[done].rip();
      completeFault(fault, insns[done]);
      deliverFault(Restart.INSTRUCTION);
    } catch (ExitSignal signal) {
      leftInstruction(insns[done].rip());
    }
    processor.retired -= insns.length - done;
  }

  /**
   * Executes the instruction at RIP for a guest whose other instructions run elsewhere.
   *
   * @return false, with nothing in memory changed, if it faults, has to do with anything outside
   *     the registers and RAM, or only starts to do its work
   */
  public boolean complete() {
    abandonExit();
    try {
      Insn insn = decoder.decode(cpu.rip, cpu.codeBits);
      if (!ForeignGuests.mayExecute(insn)) {
        return false;
      }
      cpu.rip = insn.next();
      insn.operation().execute(cpu, insn);
      return true;
    } catch (GuestFault | ExitSignal notHere) {
      return false;
    } finally {
      cpu.exit.reason = ExitReason.NONE;
      cache.takeDropped();
    }
  }

  private void leftInstruction(long rip) {
    cpu.rip = rip;
    leaveUndone(Restart.INSTRUCTION);
  }

  private void leaveUndone(Restart what) {
    restart = what;
    cpu.attention |= Cpu.EXIT_READY;
  }

  /**
   * Delivers the fault that was just raised.
   *
   * @param origin what will raise it again if its delivery leaves to the monitor
   */
  private void deliverFault(Restart origin) {
    try {
      if (!InterruptDelivery.deliverFault(cpu)) {
        cpu.attention |= Cpu.EXIT_READY;
      }
    } catch (ExitSignal signal) {
      leaveUndone(origin);
    }
  }

  private void completeFault(GuestFault fault, Insn insn) {
    if (insn.addressesStack()) {
      fault.blameStack();
    }
    if (fault.vector() == Vector.UNDEFINED) {
      undefinedInstruction = insn;
    }
  }

  private boolean needsStepping() {
    return debugging.isActive() || !cpu.memory.watchpoints.isEmpty() || cpu.flags.isSet(Flags.TF);
  }

  /** Runs one instruction, or delivers an interrupt, with a look at everything that may be due. */
  private void attend() {
    boolean shadow = (cpu.attention & Cpu.INTERRUPT_SHADOW) != 0;
    cpu.attention &= ~(Cpu.INTERRUPT_SHADOW | Cpu.STEPPING);
    if ((cpu.attention & Cpu.INTERRUPT_PENDING) != 0 && !shadow && cpu.flags.isSet(Flags.IF)) {
      if (interruptPending) {
        deliverInterrupt();
        return;
      }
      leave(ExitReason.INTERRUPT_WINDOW);
      return;
    }
    if (debugging.stopsAt(cpu.codeAddress(cpu.rip)) && !passBreakpoint) {
      debugExit(ExitState.DebugCause.HARDWARE_BREAKPOINT, cpu.codeAddress(cpu.rip));
      return;
    }
    passBreakpoint = false;
    stepAndReport();
  }

  private void startOver() {
    Restart what = restart;
    restart = Restart.NOTHING;
    cpu.outside.restart();
    switch (what) {
      case NOTHING -> {}
      case INSTRUCTION -> stepAndReport();
      case INTERRUPT -> deliverInterrupt();
      case TRAP -> reportStep();
    }
    if (restart == Restart.NOTHING) {
      cpu.outside.commit();
    }
  }

  private void stepAndReport() {
    cpu.trapDue = cpu.flags.isSet(Flags.TF);
    step();
    if (cpu.exit.reason == ExitReason.NONE) {
      reportStep();
    } else if (restart == Restart.NOTHING) {
      if (cpu.exit.reason == ExitReason.PORT_WRITE) {
        owesStep = cpu.trapDue || needsStepping();
        owesTrap = cpu.trapDue;
      }
      cpu.trapDue = false;
    }
  }

  /** Raises or reports what is due after an instruction that has run. */
  private void reportStep() {
    if (cpu.trapDue) {
      cpu.system.debug[6] |= DR6_SINGLE_STEP;
      cpu.fault.raise(Vector.DEBUG);
      deliverFault(Restart.TRAP);
    }
    if (cpu.exit.reason == ExitReason.NONE) {
      if (cpu.memory.watchpoints.takeHit()) {
        debugExit(ExitState.DebugCause.WATCHPOINT, cpu.memory.watchpoints.hitAddress());
      } else if (debugging.singleStep()) {
        debugExit(ExitState.DebugCause.STEP, cpu.codeAddress(cpu.rip));
      }
    }
  }

  private void debugExit(ExitState.DebugCause cause, long address) {
    cpu.exit.debugCause = cause;
    cpu.exit.address = address;
    leave(ExitReason.DEBUG);
  }

  private void deliverInterrupt() {
    interruptPending = false;
    try {
      InterruptDelivery.deliver(cpu, cpu.pendingVector, InterruptDelivery.Source.EXTERNAL);
    } catch (GuestFault fault) {
      deliverFault(Restart.INTERRUPT);
    } catch (ExitSignal signal) {
      leaveUndone(Restart.INTERRUPT);
    }
    interruptPending = restart == Restart.INTERRUPT;
    updateInterruptAttention();
  }

  /** Executes one instruction, decoded afresh. */
  private void step() {
    long rip = cpu.rip;
    try {
      Insn insn = decoder.decode(rip, cpu.codeBits);
      cpu.rip = insn.next();
      try {
        insn.operation().execute(cpu, insn);
        cpu.retired++;
      } catch (GuestFault fault) {
        cpu.rip = rip;
        completeFault(fault, insn);
        deliverFault(Restart.INSTRUCTION);
      }
    } catch (GuestFault fault) {
      deliverFault(Restart.INSTRUCTION);
    } catch (ExitSignal signal) {
      leftInstruction(rip);
    }
    cache.takeDropped();
  }
}
