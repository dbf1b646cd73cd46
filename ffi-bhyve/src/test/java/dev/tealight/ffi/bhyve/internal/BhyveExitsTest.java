// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tealight.ExitFrame;
import dev.tealight.ExitKind;
import dev.tealight.HostCallException;
import dev.tealight.Protection;
import dev.tealight.Region;
import dev.tealight.Vcpu;
import dev.tealight.Vm;
import dev.tealight.VmExit;
import dev.tealight.VmOptions;
import dev.tealight.X86CpuState;
import dev.tealight.X86Register;
import dev.tealight.X86Segment;
import dev.tealight.ffi.bhyve.BhyveOptions;
import dev.tealight.ffi.posix.Descriptor;
import dev.tealight.ffi.posix.FreeBsdErrno;
import dev.tealight.testkit.X86LongMode;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What becomes of each exit and error of VM_RUN. */
class BhyveExitsTest {
  private static final long MEMORY_BYTE_SIZE = 1L << 20;
  private static final long OUTSIDE = 0x3000_0000;

  private final ExitFrame exit = new ExitFrame();
  private VmmModel kernel;
  private VmmFacts facts;
  private BhyveHypervisor hypervisor;
  private Vm vm;
  private Vcpu vcpu;

  @BeforeEach
  void openModel() {
    open(new VmmModel(15, true));
  }

  private void open(VmmModel model) {
    kernel = model;
    facts = model.facts;
    BhyveOptions options = new BhyveOptions(false, Duration.ofMillis(100));
    hypervisor = BhyveHypervisor.open(model.host(), options);
    vm = hypervisor.createVm(VmOptions.ofMemory(MEMORY_BYTE_SIZE));
    vcpu = vm.createVcpu();
  }

  @AfterEach
  void closeModel() {
    vm.close();
    hypervisor.close();
    assertThat(kernel.descriptors).isEmpty();
    assertThat(kernel.vms).isEmpty();
  }

  private ModelVcpu model() {
    return Objects.requireNonNull(kernel.vms.values().iterator().next().vcpu(0));
  }

  private X86CpuState load(String hex) {
    X86CpuState state = X86LongMode.load(vm.memory(), HexFormat.of().parseHex(hex));
    vcpu.writeState(state);
    return state;
  }

  private VmExit run() {
    vcpu.run(exit);
    return exit.snapshot();
  }

  private void script(String code, int length, Consumer<MemorySegment> fields) {
    model()
        .script
        .add(
            out -> {
              facts.putInt(out, "vm_exit.exitcode", facts.number(code));
              facts.putInt(out, "vm_exit.inst_length", length);
              fields.accept(out);
            });
  }

  // Errors.

  @ParameterizedTest
  @ValueSource(ints = {FreeBsdErrno.EIO, FreeBsdErrno.EINVAL})
  void errorsThatAGuestCanProvokeAreItsFault(int errno) {
    load("90");
    model().errors.addAll(List.of(errno, errno));
    assertThat(run()).isEqualTo(new VmExit.HypervisorError(errno));
  }

  /** The kernel goes on behind an access that it refused, whoever asks why notwithstanding. */
  @Test
  void deviceOfTheKernelUsedWronglyIsTheGuestsFaultEachTime() {
    // out %ax, $0x40; in $0x43, %al; mov 1(%rdi), %eax; out %al, $0x12
    X86CpuState state = load("66e740" + "e443" + "8b4701" + "e612");
    long linear = 512L << 20;
    vm.memory().writeLong(0x4000 + 256 * 8, 0xfee0_0083L); // its page there: the local APIC
    vcpu.writeState(state.set(X86Register.RDI, linear));
    for (int errno : new int[] {FreeBsdErrno.EIO, FreeBsdErrno.EIO, FreeBsdErrno.EINVAL}) {
      assertThat(run()).isEqualTo(new VmExit.HypervisorError(errno));
    }
    assertThat(run()).isEqualTo(new VmExit.IoWrite(0x12, 1, 0));
  }

  @Test
  void portOfTheKernelsDevicesNeverArrives() {
    load("e620" + "e612" + "f4"); // out %al, $0x20; out %al, $0x12; hlt
    assertThat(run()).isEqualTo(new VmExit.IoWrite(0x12, 1, 0));
  }

  @Test
  void signalsOfOthersChangeNothing() {
    load("e612");
    model().errors.addAll(List.of(FreeBsdErrno.EINTR, FreeBsdErrno.EINTR, FreeBsdErrno.EINTR));
    assertThat(run()).isEqualTo(new VmExit.IoWrite(0x12, 1, 0));
  }

  @Test
  void vmThatSomebodyDestroyedIsAFailureOfTheHost() {
    load("90");
    kernel.vms.values().iterator().next().destroy();
    assertThatThrownBy(() -> vcpu.run(exit))
        .isInstanceOf(HostCallException.class)
        .hasMessageContaining("ENXIO (6)");
    vm.close();
    kernel.vms.clear();
  }

  // Exits.

  @Test
  void exitsThatMeanNothingAreRunOn() {
    load("e612");
    for (String code : List.of("VM_EXITCODE_BOGUS", "VM_EXITCODE_REQIDLE", "VM_EXITCODE_PAUSE")) {
      script(code, 0, out -> {});
    }
    assertThat(run()).isEqualTo(new VmExit.IoWrite(0x12, 1, 0));
  }

  /** The guest's handler sees #GP with error code 0 at the instruction. */
  @ParameterizedTest
  @ValueSource(strings = {"VM_EXITCODE_RDMSR", "VM_EXITCODE_WRMSR"})
  void registersOfTheModelThatTheKernelDoesNotKnowAreRefusedByAnException(String code) {
    long handler = 0x18000;
    long table = 0x6000;
    X86CpuState state = load("e612");
    vm.memory().writeShort(handler, (short) 0x13e6); // out %al, $0x13
    vm.memory().writeLong(table + 16 * 13, 0x1_8e00_0008_8000L);
    vcpu.writeState(state.set(X86Register.IDT_BASE, table).set(X86Register.IDT_LIMIT, 0xff));
    script(code, 2, out -> facts.putInt(out, "vm_exit.u.msr.code", 0x1234));
    assertThat(run()).isEqualTo(new VmExit.IoWrite(0x13, 1, 0));
    long stack = register(X86Register.RSP);
    assertThat(vm.memory().readLong(stack)).as("error code").isZero();
    assertThat(vm.memory().readLong(stack + 8)).as("RIP").isEqualTo(X86LongMode.CODE);
  }

  @ParameterizedTest
  @CsvSource({
    "0,2,SHUTDOWN",
    "0,48,INTERNAL_ERROR",
    "0,-2147483615,ENTRY_FAILED",
    "1,0,ENTRY_FAILED"
  })
  void exitsOfIntelAreTold(int status, int reason, ExitKind kind) {
    load("90");
    script(
        "VM_EXITCODE_VMX",
        0,
        out -> {
          facts.putInt(out, "vm_exit.u.vmx.status", status);
          facts.putInt(out, "vm_exit.u.vmx.exit_reason", reason);
        });
    assertThat(vcpu.run(exit)).isEqualTo(kind);
  }

  @ParameterizedTest
  @CsvSource({
    "0x7f,0,SHUTDOWN",
    "0xffffffff,0,ENTRY_FAILED",
    "-1,0,ENTRY_FAILED",
    "0x400,0x30000000,INTERNAL_ERROR",
    "0x400,0x1000,PROTECTION_FAULT",
    "0x41,0,INTERNAL_ERROR"
  })
  void exitsOfAmdAreTold(String code, String address, ExitKind kind) {
    load("90");
    script(
        "VM_EXITCODE_SVM",
        0,
        out -> {
          facts.putLong(out, "vm_exit.u.svm.exitcode", Long.decode(code));
          facts.putLong(out, "vm_exit.u.svm.exitinfo2", Long.decode(address));
        });
    assertThat(vcpu.run(exit)).isEqualTo(kind);
  }

  @Test
  void exitsThatNobodyKnowsAreReportedByNumber() {
    load("90");
    for (String code :
        List.of("VM_EXITCODE_TASK_SWITCH", "VM_EXITCODE_IPI", "VM_EXITCODE_PAGING")) {
      script(code, 0, out -> {});
      assertThat(run()).isEqualTo(new VmExit.Unknown(facts.value(code)));
    }
    model().script.add(out -> facts.putInt(out, "vm_exit.exitcode", -7));
    assertThat(run()).isEqualTo(new VmExit.Unknown(-7));
  }

  @ParameterizedTest
  @CsvSource({"1,SHUTDOWN", "2,SHUTDOWN", "3,HALT", "4,SHUTDOWN", "9,UNKNOWN"})
  void reasonOfStandingStillIsTold(int how, ExitKind kind) {
    load("90");
    script("VM_EXITCODE_SUSPENDED", 0, out -> facts.putInt(out, "vm_exit.u.suspended.how", how));
    assertThat(vcpu.run(exit)).isEqualTo(kind);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 3, 5, 7})
  void widthsThatNoPortHasAreNotBelieved(int width) {
    load("90");
    script(
        "VM_EXITCODE_INOUT",
        1,
        out -> out.set(ValueLayout.JAVA_SHORT, facts.value("vm_exit.u"), (short) width));
    assertThat(run()).isEqualTo(new VmExit.HypervisorError(VmmExit.INOUT));
  }

  // What guests do.

  @Test
  void shutdownOfAnAmdProcessorIsRecognisedAndASpinIsNot() throws InterruptedException {
    load("0f0b"); // ud2, without a handler
    assertThat(run()).isEqualTo(new VmExit.Shutdown());
    load("ffc0" + "ebfc"); // 1: inc %eax; jmp 1b
    Thread kicker =
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    Thread.sleep(300);
                  } catch (InterruptedException e) {
                    throw new AssertionError(e);
                  }
                  vcpu.kick();
                });
    assertThat(vcpu.run(exit)).isEqualTo(ExitKind.INTERRUPTED);
    kicker.join();
  }

  /** 32-bit code without paging, as multiboot kernels begin. */
  private void enterProtectedMode(X86CpuState state, int idtLimit) {
    X86Segment data = new X86Segment(0x10, 0, -1, 0xc093);
    for (X86Segment.Name name :
        List.of(
            X86Segment.Name.DS,
            X86Segment.Name.ES,
            X86Segment.Name.FS,
            X86Segment.Name.GS,
            X86Segment.Name.SS)) {
      state.set(name, data);
    }
    vcpu.writeState(
        state
            .set(X86Segment.Name.CS, new X86Segment(0x8, 0, -1, 0xc09b))
            .set(X86Register.CR0, 0x31)
            .set(X86Register.CR4, 0)
            .set(X86Register.EFER, 0)
            .set(X86Register.IDT_BASE, 0x6000)
            .set(X86Register.IDT_LIMIT, idtLimit));
  }

  @Test
  void shutdownInProtectedModeIsRecognised() {
    enterProtectedMode(load("0f0b"), 8 * 6 + 6); // one byte short of the handler
    assertThat(run()).isEqualTo(new VmExit.Shutdown());
    enterProtectedMode(load("0f0b"), 0x7ff); // not present
    assertThat(run()).isEqualTo(new VmExit.Shutdown());
  }

  /** Interrupted by the host again and again, where it stands. */
  private final class StandingStill implements Consumer<MemorySegment> {
    private volatile boolean ended;

    @Override
    public void accept(MemorySegment out) {
      if (!ended) {
        model().script.add(this); // the exit is BOGUS already
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"true,2,INTERRUPTED", "false,2,SHUTDOWN", "false,0x202,INTERRUPTED"})
  void guestThatStandsStillInProtectedModeIsShutDownUnlessItHasAHandlerOrTakesInterrupts(
      boolean handler, String flags, ExitKind expected) throws InterruptedException {
    vm.memory().writeLong(0x6000 + 8 * 6, handler ? 0x8e00_0008_0000L : 0);
    enterProtectedMode(load("ebfe").set(X86Register.RFLAGS, Long.decode(flags)), 8 * 6 + 7);
    StandingStill standing = new StandingStill();
    model().script.add(standing);
    Thread ending =
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    Thread.sleep(400);
                  } catch (InterruptedException e) {
                    throw new AssertionError(e);
                  }
                  standing.ended = true;
                  vcpu.kick();
                });
    assertThat(vcpu.run(exit)).isEqualTo(expected);
    ending.join();
  }

  @Test
  void shutdownIsRecognisedAlsoIfPageTablesLeadOutOfMemory() {
    X86CpuState state = load("0f22df"); // mov %rdi, %cr3
    state.set(X86Register.RDI, 0xffff_ffff_f000L).set(X86Register.IDT_LIMIT, 0xfff);
    vcpu.writeState(state);
    assertThat(run()).isInstanceOfAny(VmExit.Shutdown.class, VmExit.HypervisorError.class);
    assertThat(translate(0x1000)).isEqualTo(Translation.NOWHERE);
  }

  private long translate(long gla) {
    int descriptor = kernel.descriptors.keySet().stream().max(Integer::compare).orElseThrow();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment paging = arena.allocate(VmmStructs.GUEST_PAGING);
      paging.set(ValueLayout.JAVA_LONG, 0, 0xffff_ffff_f000L);
      long mode = Fields.offset(VmmStructs.GUEST_PAGING, "paging_mode");
      paging.set(ValueLayout.JAVA_INT, mode, VmmStructs.PAGING_MODE_64);
      return new Translation(new Descriptor(kernel, descriptor, "the VM"), 0, arena)
          .translate(gla, false, paging);
    }
  }

  @Test
  void instructionThatTheKernelCannotDecodeEndsInsteadOfRepeating() {
    X86CpuState state = load("f0ff07"); // lock incl (%rdi)
    vcpu.writeState(state.set(X86Register.RDI, OUTSIDE));
    assertThat(run()).isEqualTo(new VmExit.HypervisorError(VmmExit.INST_EMUL));
  }

  @Test
  void instructionThatReadsAndWritesOutsideMemoryEndsToo() {
    X86CpuState state = load("0907"); // or %eax, (%rdi)
    vcpu.writeState(state.set(X86Register.RDI, OUTSIDE));
    assertThat(run()).isEqualTo(new VmExit.HypervisorError(VmmExit.INST_EMUL));
  }

  @Test
  void fetchOutsideMemoryIsTheGuestsFault() {
    X86CpuState state = load("ffe7"); // jmp *%rdi
    vcpu.writeState(state.set(X86Register.RDI, OUTSIDE));
    assertThat(run()).isEqualTo(new VmExit.HypervisorError(0x400));
  }

  @Test
  void memoryWithoutAnyPermissionIsNotMappedAndFaults() {
    long page = 0x90000;
    vm.protect(List.of(new Region(page, 0x1000, new Protection(false, false, false))));
    X86CpuState state = load("8907"); // mov %eax, (%rdi)
    vcpu.writeState(state.set(X86Register.RDI, page));
    assertThat(run()).isEqualTo(new VmExit.ProtectionFault(page));
    state = load("ffe7"); // jmp *%rdi
    vcpu.writeState(state.set(X86Register.RDI, page));
    assertThat(run()).isEqualTo(new VmExit.ProtectionFault(page));
  }

  @Test
  void memoryThatMayNotBeExecutedIsNotExecuted() {
    vm.protect(List.of(new Region(0x90000, 0x1000, Protection.READ_WRITE)));
    X86CpuState state = load("ffe7"); // jmp *%rdi
    vcpu.writeState(state.set(X86Register.RDI, 0x90000));
    assertThat(run()).isEqualTo(new VmExit.ProtectionFault(ExitFrame.UNKNOWN_ADDRESS));
    assertThat(register(X86Register.RIP)).isEqualTo(0x90000);
  }

  @Test
  void stringInstructionsArePresentedElementByElement() {
    long data = 0x90000;
    vm.memory().writeInt(data, 0x44332211);
    X86CpuState state = load("f36e" + "f36d" + "f4"); // rep outsb; rep insl; hlt
    state.set(X86Register.RSI, data).set(X86Register.RCX, 3).set(X86Register.RDX, 0x80);
    vcpu.writeState(state.set(X86Register.RDI, data + 0x100));
    for (int value : new int[] {0x11, 0x22, 0x33}) {
      assertThat(run()).isEqualTo(new VmExit.IoWrite(0x80, 1, value));
    }
    // With RCX 0 nothing is read.
    assertThat(run()).isEqualTo(new VmExit.Halt());
    assertThat(register(X86Register.RSI)).isEqualTo(data + 3);
    assertThat(register(X86Register.RCX)).isZero();

    vcpu.writeState(state.set(X86Register.RIP, X86LongMode.CODE + 2).set(X86Register.RCX, 2));
    for (int i = 0; i < 2; i++) {
      assertThat(run()).isEqualTo(new VmExit.IoRead(0x80, 4));
      exit.complete(0x1000 + i);
    }
    assertThat(run()).isEqualTo(new VmExit.Halt());
    assertThat(vm.memory().readInt(data + 0x100)).isEqualTo(0x1000);
    assertThat(vm.memory().readInt(data + 0x104)).isEqualTo(0x1001);
    assertThat(register(X86Register.RDI)).isEqualTo(data + 0x108);
  }

  @Test
  void stringInstructionDoesNotWriteWhatTheGuestMayNot() {
    vm.protect(List.of(new Region(0x90000, 0x1000, Protection.READ_ONLY)));
    X86CpuState state = load("6c"); // insb
    vcpu.writeState(state.set(X86Register.RDI, 0x90000));
    assertThat(run()).isInstanceOf(VmExit.ProtectionFault.class);
  }

  @Test
  void haltWithInterruptsOnSleepsUntilAKickAndGoesOnBehindIt() throws InterruptedException {
    load("fb" + "f4" + "e612"); // sti; hlt; out %al, $0x12
    Thread kicker =
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    Thread.sleep(50);
                  } catch (InterruptedException e) {
                    throw new AssertionError(e);
                  }
                  vcpu.kick();
                });
    assertThat(vcpu.run(exit)).isEqualTo(ExitKind.INTERRUPTED);
    kicker.join();
    assertThat(run()).isEqualTo(new VmExit.IoWrite(0x12, 1, 0));
  }

  @Test
  void vmOfTwoVcpusThatStandsStillIsNotRevived() throws InterruptedException {
    try (Vcpu second = vm.createVcpu()) {
      X86CpuState state = load("faf4"); // cli; hlt
      second.writeState(state);
      Thread other = Thread.ofPlatform().start(() -> second.run(new ExitFrame()));
      assertThat(run()).isEqualTo(new VmExit.Halt());
      other.join();
      assertThatThrownBy(() -> vcpu.run(exit))
          .isInstanceOf(UnsupportedOperationException.class)
          .hasMessageContaining("can only reset all its vCPUs at once");
    }
  }

  @Test
  void taskPriorityIsRefusedByName() {
    X86CpuState state = load("90").set(X86Register.CR8, 3);
    assertThatThrownBy(() -> vcpu.writeState(state))
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessageContaining("CR8=0x3");
  }

  private long register(X86Register register) {
    return ((X86CpuState) vcpu.readState()).get(register);
  }
}
