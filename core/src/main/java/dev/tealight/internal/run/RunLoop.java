// SPDX-License-Identifier: ISC
package dev.tealight.internal.run;

import dev.tealight.CpuState;
import dev.tealight.DeviceException;
import dev.tealight.ExitCounts;
import dev.tealight.ExitFrame;
import dev.tealight.ExitKind;
import dev.tealight.GuestAccessException;
import dev.tealight.GuestMemory;
import dev.tealight.HostCallException;
import dev.tealight.ReadinessSource;
import dev.tealight.RunResult;
import dev.tealight.TimeSource;
import dev.tealight.Vcpu;
import dev.tealight.VmmException;
import dev.tealight.Waiter;
import dev.tealight.device.GuestCall;
import dev.tealight.device.Outcome;
import dev.tealight.spi.GuestDiagnosis;
import dev.tealight.spi.HypercallConvention;
import dev.tealight.spi.UnprivilegedStart;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Runs one vCPU, exit by exit. It can be left whenever {@link #step} returns and taken up again by
 * any thread.
 *
 * <p>{@link #request} may be called from any thread; everything else belongs to the thread that
 * steps.
 */
public final class RunLoop implements GuestCall {

  /** How a step ended. */
  public enum Step {
    /** Step again. */
    READY,
    /** Step again when {@link #awaitWakeUp} returns. */
    WAITING,
    /** Step again after {@link #withdraw}. Nothing is half-done. */
    PAUSED,
    /** There is a {@link #result}. */
    ENDED
  }

  /** End the run. */
  public static final int STOP = 1;

  /** End the run because its time is over. */
  public static final int DEADLINE = 2;

  /** Stand still between two exits. */
  public static final int PAUSE = 4;

  /**
   * End the run as its guest's fault, or as a failure; see {@link #requestFault} and {@link
   * #requestFailure}.
   */
  private static final int BROKEN = 8;

  private final Vcpu vcpu;
  private final GuestMemory memory;
  private final HandlerTable handlers;
  private final HypercallConvention convention;
  private final Waiter waiter;
  private final TimeSource time;
  private final Duration limit;
  private final @Nullable PlatformLink platform;
  private final Runnable settle;

  private final AtomicInteger requests = new AtomicInteger();
  private ExitFrame exit = new ExitFrame();
  private ExitFrame spare = new ExitFrame();
  private @Nullable ExitFrame early; // an exit that a pause brought forward; not dealt with yet
  private final long[] counts = new long[ExitKind.values().length];
  private long argument;
  private HandlerTable.@Nullable Entry suspended;
  private long waitDeadlineNanos;
  private List<ReadinessSource> waitSources = List.of();
  private @Nullable RunResult result;

  // Written before BROKEN is requested, read after it was seen.
  private volatile @Nullable String breach;
  private volatile @Nullable Throwable failure;

  /**
   * Creates a loop that has not run yet.
   *
   * @param vcpu the vCPU, set to its first instruction
   * @param memory what the guest and its handlers see
   * @param handlers who serves what
   * @param convention how hypercalls look
   * @param waiter where the loop sleeps
   * @param time the guest's clocks
   * @param limit reported when {@link #DEADLINE} is requested
   */
  public RunLoop(
      Vcpu vcpu,
      GuestMemory memory,
      HandlerTable handlers,
      HypercallConvention convention,
      Waiter waiter,
      TimeSource time,
      Duration limit) {
    this(vcpu, memory, handlers, convention, waiter, time, limit, null, () -> {});
  }

  /**
   * Creates a loop for a guest on a platform, or one that others work for.
   *
   * @param platform its chips, or null for none
   * @param settle finishes what others do for the guest, when it is paused or has ended
   */
  RunLoop(
      Vcpu vcpu,
      GuestMemory memory,
      HandlerTable handlers,
      HypercallConvention convention,
      Waiter waiter,
      TimeSource time,
      Duration limit,
      @Nullable PlatformLink platform,
      Runnable settle) {
    this.vcpu = vcpu;
    this.memory = memory;
    this.handlers = handlers;
    this.convention = convention;
    this.waiter = waiter;
    this.time = time;
    this.limit = limit;
    this.platform = platform;
    this.settle = settle;
  }

  /**
   * Asks the loop for something and makes it notice, wherever it is. Any thread.
   *
   * @param request {@link #STOP}, {@link #DEADLINE} or {@link #PAUSE}
   */
  public void request(int request) {
    // The request is visible before the kick: whoever sees the kick sees the request.
    requests.getAndUpdate(old -> old | request);
    vcpu.kick();
    waiter.wake();
  }

  /**
   * Asks for the end of the run because the guest did wrong where the loop does not see it. Any
   * thread.
   *
   * @param reason what it did
   */
  public void requestFault(String reason) {
    breach = reason;
    request(BROKEN);
  }

  /**
   * Asks for the end of the run because the host failed where the loop does not see it. Any thread.
   *
   * @param cause how
   */
  public void requestFailure(Throwable cause) {
    failure = cause;
    request(BROKEN);
  }

  /**
   * Takes a request back. Any thread.
   *
   * @param request {@link #PAUSE}
   */
  public void withdraw(int request) {
    requests.getAndUpdate(old -> old & ~request);
    waiter.wake();
  }

  /** {@return the result, once a step has returned {@link Step#ENDED}} */
  public RunResult result() {
    if (result == null) {
      throw new IllegalStateException("the run has not ended");
    }
    return result;
  }

  /** {@return what the vCPU exited for so far} */
  public ExitCounts counts() {
    return new ExitCounts(counts);
  }

  /** {@return when a waiting loop wakes at the latest} */
  public long waitDeadlineNanos() {
    return waitDeadlineNanos;
  }

  /** Sleeps until a {@link Step#WAITING} or {@link Step#PAUSED} loop may have something to do. */
  public void awaitWakeUp() {
    boolean paused = (requests.get() & PAUSE) != 0;
    waiter.await(
        time, paused ? Waiter.NO_DEADLINE : waitDeadlineNanos, paused ? List.of() : waitSources);
  }

  /** {@return how far the guest came} */
  public Step step() {
    if (result != null) {
      return Step.ENDED;
    }
    Step step = advance();
    if (step == Step.PAUSED || step == Step.ENDED) {
      settle.run();
    }
    return step;
  }

  private Step advance() {
    int requested = requests.get();
    if (requested != 0) {
      if ((requested & STOP) != 0) {
        return ended(new RunResult.Stopped());
      }
      if ((requested & DEADLINE) != 0) {
        return ended(new RunResult.DeadlineExceeded(limit));
      }
      if ((requested & BROKEN) != 0) {
        return broken();
      }
      return pause();
    }
    HandlerTable.Entry waiting = suspended;
    if (waiting != null) {
      suspended = null;
      return act(waiting, true);
    }
    return runGuest();
  }

  private Step broken() {
    Throwable cause = failure;
    if (cause instanceof VmmException e) {
      throw e;
    }
    if (cause != null) {
      throw new DeviceException("serving what the guest shares failed: " + cause, cause);
    }
    return faulted(String.valueOf(breach));
  }

  /**
   * Stands still with registers and memory as they are between two instructions. A backend makes an
   * exit whole when the vCPU runs on, even if a kick ends that run at once.
   */
  private Step pause() {
    if (suspended != null) {
      settleWrite();
      return Step.PAUSED;
    }
    if (exit.kind() == ExitKind.INTERRUPTED && early == null) {
      return Step.PAUSED;
    }
    vcpu.kick();
    return runGuest();
  }

  /**
   * Makes the write whole whose handler waits. A read that waits for its answer has no effect yet:
   * the guest stands before it.
   */
  private void settleWrite() {
    if (early == null && (exit.kind() == ExitKind.IO_WRITE || exit.kind() == ExitKind.MMIO_WRITE)) {
      vcpu.kick();
      // An instruction that makes several accesses goes on to its next one instead.
      early = vcpu.run(spare) == ExitKind.INTERRUPTED ? null : spare; // the handler needs its exit
    }
  }

  private ExitKind takeEarly(ExitFrame brought) {
    spare = exit;
    exit = brought;
    early = null;
    return exit.kind();
  }

  /** Runs until something else than the next exit has to happen: the hot path. */
  private Step runGuest() {
    if (platform != null) {
      Step polled = act(platform.poll(), false);
      if (polled != Step.READY) {
        return polled;
      }
    }
    while (true) {
      if (platform != null && early == null) {
        platform.beforeEntry();
      }
      ExitFrame brought = early;
      ExitKind kind = brought == null ? vcpu.run(exit) : takeEarly(brought);
      counts[kind.ordinal()]++;
      Step step =
          switch (kind) {
            case IO_WRITE, IO_READ -> access(handlers.port(exit.address()));
            case MMIO_WRITE, MMIO_READ -> access(handlers.address(exit.address()));
            case INTERRUPTED -> Step.READY;
            case PROTECTION_FAULT -> faulted("host/guest translation fault: " + exit);
            case HALT ->
                platform != null
                    ? act(platform.halt(), false)
                    : faulted("the guest halted its processor, but no interrupt can ever wake it");
            case SHUTDOWN -> faulted("the guest's processor shut down (triple fault)");
            case INTERRUPT_WINDOW -> platform != null ? Step.READY : faulted(exit.toString());
            case UNHANDLED_EXCEPTION, ENTRY_FAILED, INTERNAL_ERROR, UNKNOWN, DEBUG ->
                faulted(exit.toString());
          };
      // READY is also what a handled exit gives, so that only a kick leaves this loop.
      if (step != Step.READY || kind == ExitKind.INTERRUPTED) {
        return step;
      }
    }
  }

  private Step access(HandlerTable.@Nullable Entry owner) {
    int nr = convention.number(exit);
    if (nr >= 0) {
      HandlerTable.Entry handler = handlers.hypercall(nr);
      if (handler == null) {
        return faulted("hypercall %d does not exist or its device is not attached".formatted(nr));
      }
      argument = convention.argument(exit);
      return act(handler, false);
    }
    if (owner == null) {
      if (platform != null) {
        return Step.READY; // a bus on which nothing answers
      }
      return faulted("the guest made a %s, which nobody serves".formatted(exit));
    }
    argument = 0;
    return act(owner, false);
  }

  private Step act(HandlerTable.Entry entry, boolean resumed) {
    Outcome outcome;
    try {
      outcome = resumed ? entry.handler().resume(this) : entry.handler().handle(this);
    } catch (GuestAccessException e) {
      return faulted("%s: %s".formatted(entry.owner(), e.getMessage()));
    } catch (VmmException e) {
      throw e;
    } catch (RuntimeException e) {
      throw new DeviceException("%s failed on %s: %s".formatted(entry.owner(), exit, e), e);
    }
    return switch (outcome) {
      case CONTINUE -> Step.READY;
      case WAIT -> {
        suspended = entry;
        yield Step.WAITING;
      }
      case END -> {
        if (result == null) {
          throw new DeviceException("%s ended the run without a result".formatted(entry.owner()));
        }
        yield Step.ENDED;
      }
    };
  }

  private Step faulted(String reason) {
    Optional<CpuState> registers = registers();
    String where =
        registers
            .map(state -> " at instruction 0x%x".formatted(state.instructionPointer()))
            .orElse("");
    String how =
        unprivilegedReason().map(why -> ", running unprivileged because " + why).orElse("");
    String met = diagnosis().map(what -> ", after " + what).orElse("");
    return ended(new RunResult.Faulted(exit.snapshot(), registers, reason + where + met + how));
  }

  private Optional<String> diagnosis() {
    return vcpu.ability(GuestDiagnosis.class).flatMap(GuestDiagnosis::diagnosis);
  }

  /** {@return why the guest runs unprivileged, or empty if it does not} */
  Optional<String> unprivilegedReason() {
    return vcpu.ability(UnprivilegedStart.class).flatMap(UnprivilegedStart::reason);
  }

  private Optional<CpuState> registers() {
    try {
      return Optional.of(vcpu.readState());
    } catch (HostCallException e) {
      return Optional.empty();
    }
  }

  private Step ended(RunResult how) {
    result = how;
    return Step.ENDED;
  }

  @Override
  public GuestMemory memory() {
    return memory;
  }

  @Override
  public TimeSource time() {
    return time;
  }

  @Override
  public ExitFrame exit() {
    return exit;
  }

  @Override
  public long argument() {
    return argument;
  }

  @Override
  @SuppressWarnings("ReferenceEquality") // the same list object is what costs nothing
  public Outcome waitFor(long deadlineNanos, List<ReadinessSource> sources) {
    waitDeadlineNanos = deadlineNanos;
    if (sources != waitSources) {
      for (int i = 0; i < sources.size(); i++) { // an iterator would be an object
        sources.get(i).attach(waiter);
      }
      waitSources = sources;
    }
    return Outcome.WAIT;
  }

  @Override
  public Outcome end(RunResult how) {
    ended(
        how instanceof RunResult.Halted halted && halted.remark().isEmpty()
            ? new RunResult.Halted(halted.status(), halted.cookie(), diagnosis())
            : how);
    return Outcome.END;
  }

  @Override
  public Outcome fault(String reason) {
    faulted(reason);
    return Outcome.END;
  }
}
