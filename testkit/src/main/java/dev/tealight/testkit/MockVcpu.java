// SPDX-License-Identifier: ISC

package dev.tealight.testkit;

import dev.tealight.CpuState;
import dev.tealight.ExitFrame;
import dev.tealight.ExitKind;
import dev.tealight.GuestMemory;
import dev.tealight.Vcpu;
import dev.tealight.VmExit;
import dev.tealight.X86CpuState;
import dev.tealight.X86Register;
import dev.tealight.X86Segment;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A vCPU of the {@link MockHypervisor}: plays a {@link GuestScript}.
 *
 * <p>The script uses {@link #memory}, {@link #state}, {@link #lastRead}, {@link #step} and {@link
 * #spin}, on the vCPU thread. The other methods that are not {@link Vcpu}'s tell a test what
 * happened; any thread may call them.
 */
public final class MockVcpu implements Vcpu {
  private static final long CYCLE_COUNTER_HZ = 1_000_000_000;

  /**
   * A read of the guest that the monitor answered.
   *
   * @param exit the read
   * @param value the answer, as wide as the read
   */
  public record CompletedRead(VmExit exit, long value) {}

  private final MockVm vm;
  private final String name;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition kicked = lock.newCondition();

  // vCPU thread only.
  private X86CpuState state = resetState();
  private int step;
  private boolean stepGoesOn;
  private long lastRead;
  private @Nullable ExitFrame pendingRead;

  // All guarded by the lock.
  private GuestScript script;
  private boolean kickPending;
  private @Nullable Thread runner;
  private boolean closed;
  private int kickCount;
  private final List<VmExit> exits = new ArrayList<>();
  private final List<X86CpuState> writtenStates = new ArrayList<>();
  private final List<CompletedRead> completedReads = new ArrayList<>();

  MockVcpu(MockVm vm, GuestScript script, String name) {
    this.vm = vm;
    this.script = script;
    this.name = name;
  }

  /**
   * Gives it another script, from its beginning. Not while it runs.
   *
   * @param script played by the next runs
   */
  public void script(GuestScript script) {
    Objects.requireNonNull(script, "script");
    locked(() -> this.script = script);
    step = 0;
  }

  /** {@return the memory of the guest} */
  public GuestMemory memory() {
    return vm.memory();
  }

  /** {@return the registers themselves, for the script to look at and change} */
  public X86CpuState state() {
    return state;
  }

  /** {@return what the guest got from its last read of a port or of an address outside memory} */
  public long lastRead() {
    return lastRead;
  }

  /**
   * {@return how many steps of the script were played: the number of its exits, those of {@link
   * #spin} not counted}
   */
  public int step() {
    return step;
  }

  /**
   * For scripts: stays in guest mode until somebody kicks the vCPU. The same step of the script is
   * played again by the next run, as an endless loop goes on.
   *
   * @return the exit that the script returns then
   */
  public VmExit spin() {
    lock.lock();
    try {
      while (!kickPending) {
        kicked.awaitUninterruptibly();
      }
      kickPending = false;
      stepGoesOn = true;
      return new VmExit.Interrupted();
    } finally {
      lock.unlock();
    }
  }

  /** {@return all exits so far, those by kicks too} */
  public List<VmExit> exits() {
    return copied(exits);
  }

  /** {@return the states given to {@link #writeState}, in order} */
  public List<X86CpuState> writtenStates() {
    return copied(writtenStates);
  }

  /** {@return the reads that the monitor answered, in order, with what the guest got} */
  public List<CompletedRead> completedReads() {
    return copied(completedReads);
  }

  /** {@return how often it was kicked} */
  public int kickCount() {
    lock.lock();
    try {
      return kickCount;
    } finally {
      lock.unlock();
    }
  }

  /** {@return whether it was closed} */
  public boolean isClosed() {
    lock.lock();
    try {
      return closed;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public ExitKind run(ExitFrame exit) {
    vm.hypervisor().before(MockOperation.RUN);
    GuestScript playing = enter();
    try {
      completeRead(exit);
      if (takeKick()) {
        return leave(exit, new VmExit.Interrupted());
      }
      stepGoesOn = false;
      VmExit next = playing.next(this);
      if (!stepGoesOn) {
        step++;
      }
      return leave(exit, next);
    } finally {
      locked(() -> runner = null);
    }
  }

  private GuestScript enter() {
    lock.lock();
    try {
      checkOpen();
      if (runner != null) {
        throw new IllegalStateException(
            "%s is being run by thread %s: one thread at a time".formatted(name, runner.getName()));
      }
      runner = Thread.currentThread();
      return script;
    } finally {
      lock.unlock();
    }
  }

  private boolean takeKick() {
    lock.lock();
    try {
      boolean taken = kickPending;
      kickPending = false;
      return taken;
    } finally {
      lock.unlock();
    }
  }

  private void completeRead(ExitFrame exit) {
    ExitFrame pending = pendingRead;
    if (pending == null) {
      return;
    }
    if (pending != exit) {
      throw new IllegalArgumentException(
          "%s waits for the answer to a read, but got another frame than that of the read"
              .formatted(name));
    }
    pendingRead = null;
    lastRead = exit.width() == 8 ? exit.value() : exit.value() & ((1L << (8 * exit.width())) - 1);
    CompletedRead completed = new CompletedRead(exit.snapshot(), lastRead);
    locked(() -> completedReads.add(completed));
  }

  @SuppressWarnings("EnumOrdinal") // It is how the frame holds the cause.
  private ExitKind leave(ExitFrame frame, VmExit exit) {
    locked(() -> exits.add(exit));
    return switch (exit) {
      case VmExit.IoWrite(int port, int width, long value) ->
          frame.access(ExitKind.IO_WRITE, port, width, value);
      case VmExit.IoRead(int port, int width) -> read(frame, ExitKind.IO_READ, port, width);
      case VmExit.MmioWrite(long gpa, int width, long value) ->
          frame.access(ExitKind.MMIO_WRITE, gpa, width, value);
      case VmExit.MmioRead(long gpa, int width) -> read(frame, ExitKind.MMIO_READ, gpa, width);
      case VmExit.ProtectionFault(long gpa) -> frame.event(ExitKind.PROTECTION_FAULT, gpa, 0);
      case VmExit.Debug(ExitKind.DebugCause cause, long address) ->
          frame.event(ExitKind.DEBUG, address, cause.ordinal());
      case VmExit.EntryFailed(long reason) -> frame.event(ExitKind.ENTRY_FAILED, 0, reason);
      case VmExit.UnhandledException(int number, long address) ->
          frame.event(ExitKind.UNHANDLED_EXCEPTION, address, number);
      case VmExit.HypervisorError(long subCode) -> frame.event(ExitKind.INTERNAL_ERROR, 0, subCode);
      case VmExit.Unknown(long reason) -> frame.event(ExitKind.UNKNOWN, 0, reason);
      case VmExit.Halt(), VmExit.Interrupted(), VmExit.InterruptWindow(), VmExit.Shutdown() ->
          frame.event(exit.kind(), 0, 0);
    };
  }

  private ExitKind read(ExitFrame frame, ExitKind kind, long address, int width) {
    pendingRead = frame;
    return frame.access(kind, address, width, 0);
  }

  @Override
  public void kick() {
    lock.lock();
    try {
      kickCount++;
      kickPending = true;
      kicked.signalAll();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public CpuState readState() {
    vm.hypervisor().before(MockOperation.READ_STATE);
    locked(this::checkOpen);
    return state.copy();
  }

  @Override
  public void writeState(CpuState state) {
    vm.hypervisor().before(MockOperation.WRITE_STATE);
    locked(this::checkOpen);
    this.state =
        switch (state) {
          case X86CpuState x86 -> x86.copy();
        };
    X86CpuState written = this.state.copy();
    locked(() -> writtenStates.add(written));
  }

  @Override
  public long cycleCounterHz() {
    return CYCLE_COUNTER_HZ;
  }

  @Override
  public void close() {
    lock.lock();
    try {
      if (closed) {
        return;
      }
      if (runner != null) {
        throw new IllegalStateException(
            "%s is being run by thread %s: stop it before closing it"
                .formatted(name, runner.getName()));
      }
      closed = true;
    } finally {
      lock.unlock();
    }
    vm.hypervisor().closed(name);
  }

  String name() {
    return name;
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException(name + " is closed");
    }
  }

  private void locked(Runnable action) {
    lock.lock();
    try {
      action.run();
    } finally {
      lock.unlock();
    }
  }

  private <T> List<T> copied(List<T> list) {
    lock.lock();
    try {
      return List.copyOf(list);
    } finally {
      lock.unlock();
    }
  }

  /** Intel SDM volume 3, table 10-1. */
  private static X86CpuState resetState() {
    int present = 1 << 7;
    int codeOrData = 1 << 4;
    X86CpuState reset =
        new X86CpuState()
            .set(X86Register.RIP, 0xfff0)
            .set(X86Register.RFLAGS, 2)
            .set(X86Register.CR0, 0x60000010)
            .set(X86Register.GDT_LIMIT, 0xffff)
            .set(X86Register.IDT_LIMIT, 0xffff);
    for (X86Segment.Name segment : X86Segment.Name.values()) {
      X86Segment value =
          switch (segment) {
            case CS -> new X86Segment(0xf000, 0xffff0000L, 0xffff, 0xb | codeOrData | present);
            case DS, ES, FS, GS, SS -> new X86Segment(0, 0, 0xffff, 3 | codeOrData | present);
            case TR -> new X86Segment(0, 0, 0xffff, 0xb | present);
            case LDTR -> new X86Segment(0, 0, 0xffff, 2 | present);
          };
      reset.set(segment, value);
    }
    return reset;
  }
}
