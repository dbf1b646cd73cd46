// SPDX-License-Identifier: ISC

package dev.tealight.testkit.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tealight.CpuState;
import dev.tealight.ExitFrame;
import dev.tealight.ExitKind;
import dev.tealight.Protection;
import dev.tealight.Region;
import dev.tealight.Vcpu;
import dev.tealight.Vm;
import dev.tealight.VmExit;
import dev.tealight.VmExit.Halt;
import dev.tealight.VmExit.IoRead;
import dev.tealight.VmExit.IoWrite;
import dev.tealight.VmExit.MmioRead;
import dev.tealight.VmExit.MmioWrite;
import dev.tealight.VmExit.ProtectionFault;
import dev.tealight.VmExit.Shutdown;
import dev.tealight.VmOptions;
import dev.tealight.X86CpuState;
import dev.tealight.X86Register;
import dev.tealight.X86Segment;
import dev.tealight.testkit.GuestScript;
import dev.tealight.testkit.MockVcpu;
import dev.tealight.testkit.X86LongMode;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What every {@link Vcpu} for x86-64 does, beyond being kicked ({@link VcpuKickContract}) and
 * debugged ({@link VcpuDebugContract}). Runs on a host whose hardware executes instructions and on
 * one that emulates them: privilege level 0, no SSE.
 */
public abstract class VcpuContract extends VcpuFixture {

  /** For subclasses. */
  protected VcpuContract() {}

  private static final MachineCode WRITE_PORTS =
      new MachineCode(
          """
          e6 10       # out %al, $0x10
          66 e7 11    # out %ax, $0x11
          e7 12       # out %eax, $0x12
          f4          # hlt
          """,
          GuestScript.exits(
              new IoWrite(0x10, 1, 0x88),
              new IoWrite(0x11, 2, 0x7788),
              new IoWrite(0x12, 4, 0x55667788),
              new Halt()));

  private static final MachineCode WRITE_HIGH_PORT =
      new MachineCode(
          """
          ef          # out %eax, (%dx)
          """,
          GuestScript.exits(new IoWrite(0xfffc, 4, 0xfedcba98L)));

  private static final MachineCode READ_PORTS =
      new MachineCode(
          """
          e4 10       # in $0x10, %al
          e7 12       # out %eax, $0x12
          66 e5 10    # in $0x10, %ax
          e7 12       # out %eax, $0x12
          e5 10       # in $0x10, %eax
          e7 12       # out %eax, $0x12
          """,
          GuestScript.sequence(
              guest -> new IoRead(0x10, 1),
              guest -> new IoWrite(0x12, 4, 0x55667700L | guest.lastRead()),
              guest -> new IoRead(0x10, 2),
              guest -> new IoWrite(0x12, 4, 0x55660000L | guest.lastRead()),
              guest -> new IoRead(0x10, 4),
              guest -> new IoWrite(0x12, 4, guest.lastRead())));

  private static final MachineCode WRITE_OUTSIDE_MEMORY =
      new MachineCode(
          """
          88 07       # mov %al, (%rdi)
          66 89 07    # mov %ax, (%rdi)
          89 07       # mov %eax, (%rdi)
          48 89 07    # mov %rax, (%rdi)
          """,
          GuestScript.exits(
              new MmioWrite(OUTSIDE, 1, 0x88),
              new MmioWrite(OUTSIDE, 2, 0x7788),
              new MmioWrite(OUTSIDE, 4, 0x55667788),
              new MmioWrite(OUTSIDE, 8, 0x1122334455667788L)));

  private static final MachineCode READ_OUTSIDE_MEMORY =
      new MachineCode(
          """
          0f b6 07    # movzbl (%rdi), %eax
          8b 1f       # mov (%rdi), %ebx
          48 8b 0f    # mov (%rdi), %rcx
          f4          # hlt
          """,
          GuestScript.sequence(
              guest -> new MmioRead(OUTSIDE, 1),
              guest -> readInto(guest, X86Register.RAX, new MmioRead(OUTSIDE, 4)),
              guest -> readInto(guest, X86Register.RBX, new MmioRead(OUTSIDE, 8)),
              guest -> readInto(guest, X86Register.RCX, new Halt())));

  /** Adds RSI to the 64-bit number in memory at RDI. */
  private static final MachineCode ADD_TO_MEMORY =
      new MachineCode(
          """
          48 01 37    # add %rsi, (%rdi)
          f4          # hlt
          """,
          guest -> {
            if (!guest.memory().isWritable(DATA, 8)) {
              return new ProtectionFault(DATA);
            }
            long sum = guest.memory().readLong(DATA) + guest.state().get(X86Register.RSI);
            guest.memory().writeLong(DATA, sum);
            return new Halt();
          });

  /** Loads the 64-bit number at RDI into RAX. */
  private static final MachineCode LOAD_FROM_MEMORY =
      new MachineCode(
          """
          48 8b 07    # mov (%rdi), %rax
          f4          # hlt
          """,
          guest -> {
            guest.state().set(X86Register.RAX, guest.memory().readLong(DATA));
            return new Halt();
          });

  private static final MachineCode HALT_TWICE =
      new MachineCode(
          """
          f4          # hlt
          e6 10       # out %al, $0x10
          f4          # hlt
          """,
          GuestScript.exits(new Halt(), new IoWrite(0x10, 1, 0), new Halt()));

  private static final MachineCode TRIPLE_FAULT =
      new MachineCode(
          """
          0f 0b       # ud2
          """,
          GuestScript.exits(new Shutdown()));

  /** Writes 1, 2, 3, … to a port. */
  static final MachineCode COUNT =
      new MachineCode(
          """
          ff c0       # 1: inc %eax
          e7 12       # out %eax, $0x12
          eb fa       # jmp 1b
          """,
          guest -> {
            long next = guest.state().get(X86Register.RAX) + 1;
            guest.state().set(X86Register.RAX, next);
            return new IoWrite(0x12, 4, next);
          });

  private static VmExit readInto(MockVcpu guest, X86Register register, VmExit next) {
    guest.state().set(register, guest.lastRead());
    return next;
  }

  private static void rax(X86CpuState state) {
    state.set(X86Register.RAX, 0x1122334455667788L);
  }

  private static void raxAndOutside(X86CpuState state) {
    rax(state);
    state.set(X86Register.RDI, OUTSIDE);
  }

  private static void dataAndOne(X86CpuState state) {
    state.set(X86Register.RDI, DATA).set(X86Register.RSI, 1);
  }

  // Registers.

  @Test
  void newVcpuIsInTheResetState() {
    X86CpuState state = assertInstanceOf(X86CpuState.class, vcpu.readState());
    assertEquals(0xfff0, state.instructionPointer());
    assertEquals(0xffff0000L, state.segment(X86Segment.Name.CS).base());
    assertEquals(0, state.get(X86Register.CR0) & 0x80000001L, "neither paging nor protection");
    assertEquals(2, state.get(X86Register.RFLAGS));
  }

  @Test
  void registersReadBackAsTheyWereWritten() {
    X86CpuState written = X86LongMode.load(vm.memory(), new byte[0]);
    long value = 0x8000_0000_0000_0001L;
    for (X86Register register : X86Register.values()) {
      if (register.compareTo(X86Register.R15) <= 0) {
        written.set(register, value += 0x0101_0101_0101_0101L);
      }
    }
    written
        .set(X86Register.RIP, 0x12345)
        .set(X86Register.RFLAGS, 0x8d7) // CF, PF, AF, ZF, SF, OF
        .set(X86Register.CR2, 0xdeadbeef000L)
        .set(X86Register.IDT_BASE, 0x7000)
        .set(X86Register.IDT_LIMIT, 0xfff)
        .set(X86Segment.Name.FS, withBase(written.segment(X86Segment.Name.FS), 0x123456789aL))
        .set(
            X86Segment.Name.GS,
            withBase(written.segment(X86Segment.Name.GS), 0xffff8000_00000000L));
    vcpu.writeState(written);

    X86CpuState read = (X86CpuState) vcpu.readState();
    for (X86Register register : X86Register.values()) {
      assertEquals(
          Long.toHexString(written.get(register)),
          Long.toHexString(read.get(register)),
          register.name());
    }
    for (X86Segment.Name segment :
        List.of(X86Segment.Name.CS, X86Segment.Name.SS, X86Segment.Name.FS, X86Segment.Name.GS)) {
      assertEquals(written.segment(segment), read.segment(segment), segment.name());
    }
  }

  private static X86Segment withBase(X86Segment segment, long base) {
    return new X86Segment(segment.selector(), base, segment.limit(), segment.attributes());
  }

  @Test
  void statesAreCopies() {
    X86CpuState written = X86LongMode.load(vm.memory(), new byte[0]).set(X86Register.RBX, 1);
    vcpu.writeState(written);
    written.set(X86Register.RBX, 2);
    ((X86CpuState) vcpu.readState()).set(X86Register.RBX, 3);
    assertEquals(1, register(X86Register.RBX));
  }

  @Test
  void cycleCounterHasAFrequency() {
    assertTrue(vcpu.cycleCounterHz() > 1_000_000, vcpu.cycleCounterHz() + " Hz");
  }

  // Exits.

  @Test
  void portWritesGivePortWidthAndValue() {
    load(WRITE_PORTS, VcpuContract::rax);
    assertEquals(new IoWrite(0x10, 1, 0x88), run());
    assertEquals(new IoWrite(0x11, 2, 0x7788), run());
    assertEquals(new IoWrite(0x12, 4, 0x55667788), run());
    assertEquals(new Halt(), run());
  }

  @Test
  void valuesAreZeroExtendedAndPortsGoUpToTheLast() {
    load(
        WRITE_HIGH_PORT,
        state -> state.set(X86Register.RAX, 0xfedcba98L).set(X86Register.RDX, 0xfffc));
    assertEquals(new IoWrite(0xfffc, 4, 0xfedcba98L), run());
  }

  @Test
  void guestReadsFromPortsWhatTheMonitorAnswers() {
    load(READ_PORTS, VcpuContract::rax);
    assertEquals(new IoRead(0x10, 1), run());
    exit.complete(0xab);
    assertEquals(new IoWrite(0x12, 4, 0x556677ab), run());
    assertEquals(new IoRead(0x10, 2), run());
    exit.complete(0xabcd);
    assertEquals(new IoWrite(0x12, 4, 0x5566abcd), run());
    assertEquals(new IoRead(0x10, 4), run());
    exit.complete(0x89abcdefL);
    assertEquals(new IoWrite(0x12, 4, 0x89abcdefL), run());
  }

  @Test
  void answersAreCutToTheWidthOfTheRead() {
    load(READ_PORTS, VcpuContract::rax);
    run();
    exit.complete(-1);
    assertEquals(new IoWrite(0x12, 4, 0x556677ff), run());
  }

  @Test
  void writesOutsideMemoryGiveAddressWidthAndValue() {
    load(WRITE_OUTSIDE_MEMORY, VcpuContract::raxAndOutside);
    assertEquals(new MmioWrite(OUTSIDE, 1, 0x88), run());
    assertEquals(new MmioWrite(OUTSIDE, 2, 0x7788), run());
    assertEquals(new MmioWrite(OUTSIDE, 4, 0x55667788), run());
    assertEquals(new MmioWrite(OUTSIDE, 8, 0x1122334455667788L), run());
  }

  @Test
  void guestReadsFromOutsideMemoryWhatTheMonitorAnswers() {
    load(READ_OUTSIDE_MEMORY, VcpuContract::raxAndOutside);
    assertEquals(new MmioRead(OUTSIDE, 1), run());
    exit.complete(0xab);
    assertEquals(new MmioRead(OUTSIDE, 4), run());
    exit.complete(0x89abcdefL);
    assertEquals(new MmioRead(OUTSIDE, 8), run());
    exit.complete(0xfedcba9876543210L);
    assertEquals(new Halt(), run());
    assertEquals(0xab, register(X86Register.RAX));
    assertEquals(0x89abcdefL, register(X86Register.RBX));
    assertEquals(0xfedcba9876543210L, register(X86Register.RCX));
  }

  @Test
  void haltedVcpuGoesOnWithTheNextRun() {
    load(HALT_TWICE);
    assertEquals(new Halt(), run());
    assertEquals(new IoWrite(0x10, 1, 0), run());
    assertEquals(new Halt(), run());
  }

  @Test
  void exceptionWithoutHandlersIsAShutdown() {
    load(TRIPLE_FAULT);
    assertEquals(new Shutdown(), run());
  }

  @Test
  void manyExitsLoseNothing() {
    load(COUNT);
    for (int i = 1; i <= 1000; i++) {
      assertEquals(new IoWrite(0x12, 4, i), run());
    }
  }

  // Memory.

  @Test
  void guestAndMonitorSeeTheSameMemory() {
    vm.memory().writeLong(DATA, 41);
    load(ADD_TO_MEMORY, VcpuContract::dataAndOne);
    assertEquals(new Halt(), run());
    assertEquals(42, vm.memory().readLong(DATA));
  }

  @Test
  void writeToAReadOnlyRegionIsAProtectionFault() {
    vm.protect(List.of(new Region(DATA, 0x1000, Protection.READ_ONLY)));
    load(ADD_TO_MEMORY, VcpuContract::dataAndOne);
    long gpa = assertInstanceOf(ProtectionFault.class, run()).gpa();
    assertTrue(gpa == DATA || gpa == ExitFrame.UNKNOWN_ADDRESS, () -> Long.toHexString(gpa));
    assertEquals(0, vm.memory().readLong(DATA));
  }

  @Test
  void monitorWritesToAReadOnlyRegionAndTheGuestReadsIt() {
    vm.protect(List.of(new Region(DATA, 0x1000, Protection.READ_ONLY)));
    vm.memory().unrestricted().set(ValueLayout.JAVA_LONG_UNALIGNED, DATA, 7);
    load(LOAD_FROM_MEMORY, VcpuContract::dataAndOne);
    assertEquals(new Halt(), run());
    assertEquals(7, register(X86Register.RAX));
  }

  @ParameterizedTest
  @ValueSource(longs = {DATA - 0x1000, DATA + 0x1000})
  void protectionEndsAtTheEdgesOfItsRegion(long readOnly) {
    vm.protect(List.of(new Region(readOnly, 0x1000, Protection.READ_ONLY)));
    load(ADD_TO_MEMORY, VcpuContract::dataAndOne);
    assertEquals(new Halt(), run());
  }

  @Test
  void laterProtectionReplacesTheEarlierOne() {
    vm.protect(List.of(new Region(DATA, 0x1000, Protection.READ_ONLY)));
    vm.protect(List.of(new Region(DATA + 0x1000, 0x1000, Protection.READ_ONLY)));
    load(ADD_TO_MEMORY, VcpuContract::dataAndOne);
    assertEquals(new Halt(), run());
    vm.protect(List.of());
    load(ADD_TO_MEMORY, VcpuContract::dataAndOne);
    assertEquals(new Halt(), run());
    assertEquals(2, vm.memory().readLong(DATA));
    vm.protect(List.of(new Region(DATA, 0x1000, Protection.READ_ONLY)));
    load(ADD_TO_MEMORY, VcpuContract::dataAndOne);
    assertInstanceOf(ProtectionFault.class, run());
  }

  // Threads.

  @Test
  void vcpuMayChangeItsThreadBetweenRuns() throws Exception {
    load(COUNT);
    try (ExecutorService one = Executors.newSingleThreadExecutor();
        ExecutorService other = Executors.newSingleThreadExecutor()) {
      for (int i = 1; i <= 100; i++) {
        Future<VmExit> next = (i % 2 == 0 ? one : other).submit(() -> run());
        assertEquals(new IoWrite(0x12, 4, i), next.get());
      }
    }
  }

  @Test
  void vmsRunSideBySide() throws Exception {
    List<Future<Void>> counting = new ArrayList<>();
    try (ExecutorService threads = Executors.newCachedThreadPool()) {
      for (int n = 0; n < 4; n++) {
        counting.add(threads.submit(this::countInAVmOfItsOwn, null));
      }
    }
    for (Future<Void> each : counting) {
      getOrThrow(each);
    }
  }

  private void countInAVmOfItsOwn() {
    try (Vm own = hypervisor.createVm(VmOptions.ofMemory(MEMORY_BYTE_SIZE));
        Vcpu ownVcpu = own.createVcpu()) {
      load(own, ownVcpu, COUNT, state -> {});
      expectCounting(ownVcpu, 500);
    }
  }

  @Test
  void vcpusOfOneVmRunSideBySide() throws Exception {
    try (Vcpu second = vm.createVcpu();
        ExecutorService threads = Executors.newCachedThreadPool()) {
      load(COUNT);
      load(vm, second, COUNT, state -> {});
      Future<?> one = threads.submit(() -> expectCounting(vcpu, 500));
      Future<?> other = threads.submit(() -> expectCounting(second, 500));
      getOrThrow(one);
      getOrThrow(other);
    }
  }

  static void expectCounting(Vcpu target, int upTo) {
    ExitFrame frame = new ExitFrame();
    for (int i = 1; i <= upTo; i++) {
      assertEquals(new IoWrite(0x12, 4, i), run(target, frame));
    }
  }

  private static void getOrThrow(Future<?> future) throws Exception {
    try {
      future.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof Error error) {
        throw error;
      }
      throw e;
    }
  }

  // The end.

  @Test
  void vcpuIsClosedTwiceWithoutHarm() {
    vcpu.close();
    vcpu.close();
  }

  @Test
  void closedVcpuIsNotRun() {
    load(COUNT);
    vcpu.close();
    assertThrows(IllegalStateException.class, () -> vcpu.run(exit));
    assertThrows(IllegalStateException.class, () -> vcpu.readState());
    CpuState state = new X86CpuState();
    assertThrows(IllegalStateException.class, () -> vcpu.writeState(state));
  }

  @Test
  void closingTheVmClosesItsVcpus() {
    load(COUNT);
    vm.close();
    assertThrows(IllegalStateException.class, () -> vcpu.run(exit));
  }

  @Test
  void framesOfTwoRunsAreIndependent() {
    load(WRITE_PORTS, VcpuContract::rax);
    ExitFrame first = new ExitFrame();
    ExitFrame second = new ExitFrame();
    run(vcpu, first);
    run(vcpu, second);
    assertEquals(new IoWrite(0x10, 1, 0x88), first.snapshot());
    assertNotEquals(first.snapshot(), second.snapshot());
    assertEquals(ExitKind.IO_WRITE, second.kind());
  }
}
