// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static dev.tealight.ffi.posix.FreeBsdErrno.EACCES;
import static dev.tealight.ffi.posix.FreeBsdErrno.EBADF;
import static dev.tealight.ffi.posix.FreeBsdErrno.EBUSY;
import static dev.tealight.ffi.posix.FreeBsdErrno.EEXIST;
import static dev.tealight.ffi.posix.FreeBsdErrno.EFAULT;
import static dev.tealight.ffi.posix.FreeBsdErrno.EINVAL;
import static dev.tealight.ffi.posix.FreeBsdErrno.EIO;
import static dev.tealight.ffi.posix.FreeBsdErrno.ENOENT;
import static dev.tealight.ffi.posix.FreeBsdErrno.ENOMEM;
import static dev.tealight.ffi.posix.FreeBsdErrno.ENOSPC;
import static dev.tealight.ffi.posix.FreeBsdErrno.ENOTTY;
import static dev.tealight.ffi.posix.FreeBsdErrno.ENXIO;
import static dev.tealight.ffi.posix.FreeBsdErrno.EPERM;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.testkit.X86LongMode;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What the model does, call by call, without the backend. Each row says how it is known for a real
 * kernel: {@link #SEEN} on FreeBSD 15.1 with an AMD processor, or not verified: {@link #SOURCE}
 * from what its source says, {@link #BELIEVED} of 13 and 14 because the code there is old. What
 * holds for 15 alone is not tried on the others.
 */
class VmmModelTest {
  private static final String SEEN = "seen on 15.1, AMD; on 13 and 14 not verified";
  private static final String SOURCE = "not verified, by the source of 15.1";
  private static final String BELIEVED = "not verified";

  private static final int EALREADY = 37;
  private static final int VMX = 1;
  private static final int BOGUS = 2;
  private static final int INST_EMUL = 9;
  private static final int SUSPENDED = 14;
  private static final int SVM = 19;
  private static final int DEBUG = 21;
  private static final long OUTSIDE = 0x3000_0000;
  private static final int RAX = 0;
  private static final int RDI = 5;
  private static final int RIP = 20;
  private static final int EFER = 32;

  /** What is done and checked. */
  interface Check {
    void on(RawVm vm);
  }

  record Row(int version, boolean amd, String what, String known, Check check) {
    @Override
    public String toString() {
      return "%d %s: %s (%s)".formatted(version, amd ? "AMD" : "Intel", what, known);
    }
  }

  private static final List<Row> ROWS = new ArrayList<>();

  private static void row(String what, String known, Check check) {
    for (int version : new int[] {13, 14, 15}) {
      ROWS.add(new Row(version, true, what, known, check));
      ROWS.add(new Row(version, false, what, known, check));
    }
  }

  private static void amd(String what, String known, Check check) {
    for (int version : new int[] {13, 14, 15}) {
      ROWS.add(new Row(version, true, what, known, check));
    }
  }

  private static void intel(String what, String known, Check check) {
    for (int version : new int[] {13, 14, 15}) {
      ROWS.add(new Row(version, false, what, known, check));
    }
  }

  private static void only15(String what, String known, Check check) {
    ROWS.add(new Row(15, true, what, known, check));
  }

  private static RawVm active(RawVm vm, String code) {
    vm.load(code);
    assertThat(vm.capability(true, 0, 1)).isZero();
    assertThat(vm.ioctl("VM_ACTIVATE_CPU", 0)).isZero();
    return vm;
  }

  static {
    names();
    memory();
    running();
    exits();
    stopping();
    capabilities();
    registers();
  }

  private static void names() {
    row("a name is taken", SEEN, vm -> assertThat(vm.createBySysctl("rows")).isEqualTo(-EEXIST));
    row(
        "an unknown VM is destroyed",
        SEEN,
        vm -> assertThat(vm.destroyBySysctl("x")).isEqualTo(-EINVAL));
    row(
        "names: space and .. refused, / accepted, 229 bytes at most",
        SEEN,
        vm -> {
          assertThat(vm.createBySysctl("a b")).isEqualTo(-EINVAL);
          assertThat(vm.createBySysctl("a..b")).isEqualTo(-EINVAL);
          assertThat(vm.createBySysctl("")).isEqualTo(-EINVAL);
          assertThat(vm.createBySysctl("a/b")).isZero();
          assertThat(vm.createBySysctl("n".repeat(229))).isZero();
        });
    row(
        "the zero byte behind a name may be there or not",
        SEEN,
        vm -> {
          assertThat(vm.createBySysctl("zero\0")).isZero();
          assertThat(vm.destroyBySysctl("zero")).isZero();
        });
    row(
        "calls on a VM that was destroyed",
        SEEN,
        vm -> {
          assertThat(vm.destroyBySysctl(RawVm.NAME)).isZero();
          assertThat(vm.getError(RIP)).isEqualTo(-ENXIO);
        });
    row(
        "a descriptor of an earlier VM of the same name",
        SEEN,
        vm -> {
          assertThat(vm.destroyBySysctl(RawVm.NAME)).isZero();
          assertThat(vm.createBySysctl(RawVm.NAME)).isZero();
          assertThat(vm.getError(RIP)).isEqualTo(-ENOTTY);
        });
    row(
        "no such VM is opened",
        SEEN,
        vm -> assertThat(vm.open("/dev/vmm/x", 2)).isEqualTo(-ENOENT));
    only15(
        "the control device: for writing alone, reserved words 0, mixed with values of the kernel",
        SEEN,
        vm -> {
          assertThat(vm.open("/dev/vmmctl", 0)).isEqualTo(-EPERM);
          int control = (int) vm.open("/dev/vmmctl", 2);
          assertThat(vm.control(control, "VMMCTL_VM_CREATE", "a", 1)).isEqualTo(-EINVAL);
          assertThat(vm.control(control, "VMMCTL_VM_CREATE", "a", 0)).isZero();
          assertThat(vm.control(control, "VMMCTL_VM_CREATE", "a", 0)).isEqualTo(-EEXIST);
          assertThat(vm.destroyBySysctl("a")).isZero();
          assertThat(vm.control(control, "VMMCTL_VM_DESTROY", "a", 0)).isEqualTo(-EINVAL);
          assertThat(vm.createBySysctl("a")).isZero();
          assertThat(vm.control(control, "VMMCTL_VM_DESTROY", "a", 0)).isZero();
          assertThat(vm.kernel.close(control)).isZero();
        });
    row(
        "requests of another version",
        SEEN,
        vm -> {
          String other = vm.facts.version() == 15 ? "VM_ALLOC_MEMSEG_14" : "VM_RUN_13";
          if (vm.facts.has(other)) {
            assertThat(vm.ioctl(other, vm.argument(other))).isEqualTo(-ENOTTY);
          }
          assertThat(vm.kernel.ioctl(vm.descriptor, 0x2000_76ff, 0)).isEqualTo(-ENOTTY);
        });
  }

  private static void memory() {
    row(
        "segments: again, of another size, beyond the last, empty, half a page",
        SEEN,
        vm -> {
          assertThat(vm.allocate(0, RawVm.MEMORY)).isEqualTo(-EEXIST);
          assertThat(vm.allocate(0, 2 * RawVm.MEMORY)).isEqualTo(-EINVAL);
          int beyond = vm.facts.number("VM_MAX_MEMSEGS");
          assertThat(vm.allocate(beyond, RawVm.MEMORY)).isEqualTo(-EINVAL);
          assertThat(vm.allocate(-1, RawVm.MEMORY)).isEqualTo(-EINVAL);
          assertThat(vm.allocate(1, 0)).isEqualTo(-EINVAL);
          assertThat(vm.allocate(1, 0x1800)).isEqualTo(-EINVAL);
        });
    row(
        "mappings: over another, without permission, unknown flags, not of pages, beyond the"
            + " segment",
        SEEN,
        vm -> {
          assertThat(vm.map(0x1000, 0x1000, 0x1000, 7, 0)).isEqualTo(-ENOMEM);
          assertThat(vm.unmap(0, RawVm.MEMORY)).isZero();
          assertThat(vm.map(0, 0x1000, 0, 0, 0)).isEqualTo(-EINVAL);
          assertThat(vm.map(0, 0x1000, 0, 8, 0)).isEqualTo(-EINVAL);
          assertThat(vm.map(0, 0x1000, 0, 7, 2)).isEqualTo(-EINVAL);
          assertThat(vm.map(0x800, 0x1000, 0x800, 7, 0)).isEqualTo(-EINVAL);
          assertThat(vm.map(0, 0, 0, 7, 0)).isEqualTo(-EINVAL);
          assertThat(vm.map(0, 2 * RawVm.MEMORY, 0, 7, 0)).isEqualTo(-EINVAL);
          assertThat(vm.map(1L << 47, 0x1000, 0, 7, 0)).isEqualTo(-ENOMEM);
        });
    row(
        "as many mappings as there may be, and one more",
        SEEN,
        vm -> {
          assertThat(vm.unmap(0, RawVm.MEMORY)).isZero();
          int most = vm.facts.number("VM_MAX_MEMMAPS");
          for (long i = 0; i < most; i++) {
            assertThat(vm.map(i << 12, 0x1000, i << 12, 7, 0)).isZero();
          }
          long next = (long) most << 12;
          assertThat(vm.map(next, 0x1000, next, 7, 0)).isEqualTo(-ENOSPC);
        });
    row(
        "a mapping is removed whole or not at all",
        SEEN,
        vm -> {
          assertThat(vm.unmap(0, 0x1000)).isEqualTo(-EINVAL);
          assertThat(vm.unmap(0x1000, RawVm.MEMORY)).isEqualTo(-EINVAL);
          assertThat(vm.unmap(0, RawVm.MEMORY)).isZero();
          assertThat(vm.unmap(0, RawVm.MEMORY)).isEqualTo(-EINVAL);
        });
    row(
        "mmap: outside a mapping, executable, private",
        SEEN,
        vm -> {
          VmmModel kernel = vm.kernel;
          int fd = vm.descriptor;
          assertThat(kernel.mmap(0x1000, 3, 1, fd, RawVm.MEMORY)).isEqualTo(-ENOENT);
          assertThat(kernel.mmap(0x2000, 3, 1, fd, RawVm.MEMORY - 0x1000)).isEqualTo(-ENOENT);
          assertThat(kernel.mmap(0x1000, 7, 1, fd, 0)).isEqualTo(-EINVAL);
          assertThat(kernel.mmap(0x1000, 1, 2, fd, 0)).isEqualTo(-EINVAL);
          assertThat(kernel.mmap(0x1000, 3, 2, fd, 0)).isEqualTo(-EACCES);
          assertThat(kernel.mmap(0x1000, 3, 1, 999, 0)).isEqualTo(-EBADF);
        });
  }

  private static void running() {
    row(
        "a vCPU that is not active, or does not exist, is run",
        SEEN,
        vm -> {
          assertThat(vm.run()).isEqualTo(-EINVAL);
          assertThat(vm.run(-1, vm.exit.address())).isEqualTo(-EINVAL);
          assertThat(vm.run(9999, vm.exit.address())).isEqualTo(-EINVAL);
        });
    row(
        "a vCPU is activated twice",
        SEEN,
        vm -> {
          assertThat(vm.ioctl("VM_ACTIVATE_CPU", 0)).isZero();
          assertThat(vm.ioctl("VM_ACTIVATE_CPU", 0)).isEqualTo(-EBUSY);
          assertThat(vm.ioctl("VM_ACTIVATE_CPU", -1)).isEqualTo(-EINVAL);
        });
    row(
        "RIP reads as the exiting instruction, and the next run goes on behind it",
        SEEN,
        vm -> {
          active(vm, "e712" + "e612");
          assertThat(vm.exitCode()).isZero();
          assertThat(vm.exitLong("rip")).isEqualTo(X86LongMode.CODE);
          assertThat(vm.exitInt("inst_length")).isEqualTo(2);
          assertThat(vm.get(RIP)).isEqualTo(X86LongMode.CODE);
          assertThat(vm.exitCode()).isZero();
          assertThat(vm.exitLong("rip")).isEqualTo(X86LongMode.CODE + 2);
        });
    row(
        "an instruction is started again",
        SEEN,
        vm -> {
          active(vm, "e712");
          assertThat(vm.exitCode()).isZero();
          assertThat(vm.ioctl("VM_RESTART_INSTRUCTION", 0)).isZero();
          assertThat(vm.exitCode()).isZero();
          assertThat(vm.exitLong("rip")).isEqualTo(X86LongMode.CODE);
        });
    row(
        "a protection fault leaves the exit alone, stands at the instruction, and repeats",
        SEEN,
        vm -> {
          active(vm, "8907");
          assertThat(vm.set(RDI, 0x90000)).isZero();
          assertThat(vm.unmap(0, RawVm.MEMORY)).isZero();
          assertThat(vm.map(0, 0x90000, 0, 7, 0)).isZero();
          assertThat(vm.map(0x90000, 0x70000, 0x90000, 1, 0)).isZero();
          vm.exit.fill((byte) 0xdb);
          for (int i = 0; i < 2; i++) {
            assertThat(vm.run()).isEqualTo(-EFAULT);
            assertThat(vm.exitInt("exitcode")).isEqualTo(0xdbdbdbdb);
            assertThat(vm.get(RIP)).isEqualTo(X86LongMode.CODE);
          }
          // With another protection the guest goes on.
          assertThat(vm.unmap(0x90000, 0x70000)).isZero();
          assertThat(vm.map(0x90000, 0x70000, 0x90000, 3, 0)).isZero();
          vm.memory().writeShort(X86LongMode.CODE + 2, (short) 0x12e7);
          assertThat(vm.exitCode()).isZero();
        });
    ROWS.add(new Row(14, true, "the exit goes nowhere", BELIEVED, VmmModelTest::exitIsLost));
    ROWS.add(new Row(15, true, "the exit goes nowhere", SEEN, VmmModelTest::exitIsLost));
  }

  private static void exitIsLost(RawVm vm) {
    active(vm, "e712" + "e612");
    assertThat(vm.run(0, 16)).isEqualTo(-EFAULT);
    assertThat(vm.exitCode()).isZero();
    assertThat(vm.exitLong("rip")).as("that exit is lost").isEqualTo(X86LongMode.CODE + 2);
  }

  private static void exits() {
    row(
        "OUT and IN of 1, 2 and 4 bytes",
        SEEN,
        vm -> {
          active(vm, "e612" + "66e712" + "e712" + "e412" + "66e512" + "e512");
          assertThat(vm.set(RAX, 0x11223344)).isZero();
          for (int flags : new int[] {1, 2, 4, 9, 10, 12}) {
            assertThat(vm.exitCode()).isZero();
            short word = vm.exit.get(ValueLayout.JAVA_SHORT, vm.facts.value("vm_exit.u"));
            assertThat(word & 0x3f).isEqualTo(flags);
            assertThat(word & 0xffc0).as("left from earlier exits").isNotZero();
            assertThat(vm.exitInt("u.inout.eax")).isEqualTo(0x11223344);
          }
        });
    row(
        "what is read is what RAX holds when the guest goes on",
        SEEN,
        vm -> {
          active(vm, "e412" + "e712");
          assertThat(vm.exitCode()).isZero();
          assertThat(vm.set(RAX, 0x42)).isZero();
          assertThat(vm.exitCode()).isZero();
          assertThat(vm.exitInt("u.inout.eax")).isEqualTo(0x42);
        });
    row(
        "ports of the kernel's devices: not seen at their width, an error at others",
        SEEN,
        vm -> {
          for (String code : List.of("e620", "e6a1", "e640", "e643", "e661", "66e761", "e670")) {
            vm.load(code + "e612");
            assertThat(vm.ioctl("VM_ACTIVATE_CPU", 0)).isIn(0L, (long) -EBUSY);
            assertThat(vm.exitCode()).as(code).isZero();
            assertThat(vm.get(RIP)).as(code).isEqualTo(X86LongMode.CODE + code.length() / 2);
          }
          for (String code : List.of("66e720", "e740", "e443", "66e770")) {
            vm.load(code);
            assertThat(vm.run()).as(code).isEqualTo(-EIO);
          }
        });
    row(
        "a halt with interrupts off stops the VM, how 3",
        SEEN,
        vm -> {
          active(vm, "faf4");
          assertThat(vm.exitCode()).isEqualTo(SUSPENDED);
          assertThat(vm.exitInt("u.suspended.how")).isEqualTo(3);
          assertThat(vm.run()).isEqualTo(-EINVAL);
        });
    row(
        "a move outside memory is decoded and passed over",
        SEEN,
        vm -> {
          active(vm, "8907" + "e712");
          assertThat(vm.set(RDI, OUTSIDE)).isZero();
          assertThat(vm.exitCode()).isEqualTo(INST_EMUL);
          assertThat(vm.exitInt("inst_length")).isEqualTo(2);
          assertThat(vm.exitLong("u.inst_emul.gpa")).isEqualTo(OUTSIDE);
          assertThat(vm.exitCode()).isZero();
        });
    row(
        "what the kernel does not decode comes again: lock inc, movups",
        SEEN,
        vm -> {
          for (String code : List.of("f0ff07", "0f1107")) {
            vm.load(code);
            assertThat(vm.set(17, 0x620)).isZero(); // PAE, OSFXSR, OSXMMEXCPT
            assertThat(vm.ioctl("VM_ACTIVATE_CPU", 0)).isIn(0L, (long) -EBUSY);
            assertThat(vm.set(RDI, OUTSIDE)).isZero();
            for (int i = 0; i < 2; i++) {
              assertThat(vm.exitCode()).as(code).isEqualTo(INST_EMUL);
              assertThat(vm.exitInt("inst_length")).isZero();
              assertThat(vm.exitLong("rip")).isEqualTo(X86LongMode.CODE);
            }
          }
        });
    amd(
        "a fetch outside memory: SVM 0x400 with the address",
        SEEN,
        vm -> {
          active(vm, "ffe7");
          assertThat(vm.set(RDI, OUTSIDE)).isZero();
          assertThat(vm.exitCode()).isEqualTo(SVM);
          assertThat(vm.exitLong("u.svm.exitcode")).isEqualTo(0x400);
          assertThat(vm.exitLong("u.svm.exitinfo1")).isEqualTo(0x100000014L);
          assertThat(vm.exitLong("u.svm.exitinfo2")).isEqualTo(OUTSIDE);
        });
    intel(
        "a fetch outside memory: VMX 48",
        BELIEVED,
        vm -> {
          active(vm, "ffe7");
          assertThat(vm.set(RDI, OUTSIDE)).isZero();
          assertThat(vm.exitCode()).isEqualTo(VMX);
          assertThat(vm.exitInt("u.vmx.status")).isZero();
          assertThat(vm.exitInt("u.vmx.exit_reason")).isEqualTo(48);
        });
    amd(
        "a triple fault never comes out",
        SEEN,
        vm -> {
          active(vm, "0f0b");
          for (int i = 0; i < 5; i++) {
            assertThat(vm.run()).isZero();
            assertThat(vm.exitInt("exitcode")).isEqualTo(BOGUS);
          }
        });
    intel(
        "a triple fault: VMX 2",
        SOURCE,
        vm -> {
          active(vm, "0f0b");
          assertThat(vm.exitCode()).isEqualTo(VMX);
          assertThat(vm.exitInt("u.vmx.exit_reason")).isEqualTo(2);
        });
  }

  private static void stopping() {
    row(
        "a mark stays until it is taken away",
        SEEN,
        vm -> {
          active(vm, "e712");
          assertThat(vm.ioctl("VM_SUSPEND_CPU", 0)).isZero();
          assertThat(vm.exitCode()).isEqualTo(DEBUG);
          assertThat(vm.exitCode()).isEqualTo(DEBUG);
          assertThat(vm.ioctl("VM_RESUME_CPU", 0)).isZero();
          assertThat(vm.exitCode()).isZero();
        });
    row(
        "marking what is not active, taking away what is not there",
        SEEN,
        vm -> {
          assertThat(vm.ioctl("VM_SUSPEND_CPU", 0)).isEqualTo(-EINVAL);
          assertThat(vm.ioctl("VM_ACTIVATE_CPU", 0)).isZero();
          assertThat(vm.ioctl("VM_RESUME_CPU", 0)).isEqualTo(-EINVAL);
        });
    row(
        "stopping for good: unknown reasons, the first wins, once reported it runs no more",
        SEEN,
        vm -> {
          active(vm, "e712");
          assertThat(vm.ioctl("VM_SUSPEND", 0)).isEqualTo(-EINVAL);
          assertThat(vm.ioctl("VM_SUSPEND", 9)).isEqualTo(-EINVAL);
          assertThat(vm.ioctl("VM_SUSPEND", 2)).isZero();
          assertThat(vm.ioctl("VM_SUSPEND", 1)).isEqualTo(-EALREADY);
          assertThat(vm.exitCode()).isEqualTo(SUSPENDED);
          assertThat(vm.exitInt("u.suspended.how")).isEqualTo(2);
          assertThat(vm.run()).isEqualTo(-EINVAL);
        });
    only15(
        "reason 5, destroyed",
        SEEN,
        vm -> {
          active(vm, "e712");
          assertThat(vm.ioctl("VM_SUSPEND", 5)).isZero();
          assertThat(vm.exitCode()).isEqualTo(SUSPENDED);
          assertThat(vm.exitInt("u.suspended.how")).isEqualTo(5);
        });
    row(
        "a reset before the exit, and after it: registers 0, nobody active, no capabilities, memory"
            + " as it was",
        SEEN,
        vm -> {
          active(vm, "faf4");
          assertThat(vm.ioctl("VM_REINIT", vm.argument("VM_REINIT"))).isEqualTo(-EBUSY);
          assertThat(vm.exitCode()).isEqualTo(SUSPENDED);
          assertThat(vm.ioctl("VM_REINIT", vm.argument("VM_REINIT"))).isZero();
          assertThat(vm.get(RIP)).isZero();
          assertThat(vm.capability(false, 0, 0)).isZero();
          assertThat(vm.ioctl("VM_SUSPEND_CPU", 0)).isEqualTo(-EINVAL);
          assertThat(vm.memory().readByte(X86LongMode.CODE)).isEqualTo((byte) 0xfa);
          active(vm, "e712");
          assertThat(vm.exitCode()).isZero();
        });
    row(
        "one exception at a time, no vector 8 and none above 31",
        SEEN,
        vm -> {
          assertThat(vm.inject(8)).isEqualTo(-EINVAL);
          assertThat(vm.inject(32)).isEqualTo(-EINVAL);
          assertThat(vm.inject(13)).isZero();
          assertThat(vm.inject(13)).isEqualTo(-EBUSY);
        });
  }

  private static void capabilities() {
    amd(
        "capabilities that are offered, and not",
        SEEN,
        vm -> {
          for (int type : new int[] {0, 2, 3, 8}) {
            assertThat(vm.capability(true, type, 1)).isZero();
            assertThat(vm.capability(false, type, 0)).isEqualTo(1);
          }
          for (int type : new int[] {1, 4, 6, 7}) {
            assertThat(vm.capability(true, type, 1)).isEqualTo(-ENOENT);
            assertThat(vm.capability(false, type, 0)).isEqualTo(-ENOENT);
          }
          assertThat(vm.capability(true, 3, 0)).as("cannot be cleared").isEqualTo(-EINVAL);
          assertThat(vm.capability(true, vm.facts.number("VM_CAP_MAX"), 1)).isEqualTo(-EINVAL);
          assertThat(vm.capability(true, -1, 1)).isEqualTo(-EINVAL);
          long newer = vm.facts.version() == 13 ? -ENOENT : 0;
          assertThat(vm.capability(true, 5, 1)).isEqualTo(newer);
          assertThat(vm.capability(true, 9, 1)).isEqualTo(newer);
        });
    intel(
        "capabilities that are offered, and not",
        SOURCE,
        vm -> {
          for (int type : new int[] {0, 1, 2, 3, 5, 8, 9}) {
            assertThat(vm.capability(true, type, 1)).isZero();
          }
          long none = vm.facts.version() == 13 ? -EINVAL : -ENOENT;
          assertThat(vm.capability(true, 10, 1)).as("RFLAGS_TF").isEqualTo(none);
        });
  }

  private static void registers() {
    row(
        "all registers are 0 at first",
        SEEN,
        vm -> {
          for (int number = 0; number < 22; number++) {
            assertThat(vm.get(number)).isZero();
          }
        });
    amd(
        "EFER reads with SVME",
        SEEN,
        vm -> {
          assertThat(vm.set(EFER, 0x500)).isZero();
          assertThat(vm.get(EFER)).isEqualTo(0x1500);
        });
    row(
        "what has no value: table registers, PDPTEs, numbers beyond the last",
        SEEN,
        vm -> {
          for (int number : new int[] {30, 31, 34, 35, 36, 37, 49, -1000}) {
            assertThat(vm.getError(number)).as("register %d", number).isEqualTo(-EINVAL);
            assertThat(vm.set(number, 0)).as("register %d", number).isEqualTo(-EINVAL);
          }
        });
    amd(
        "the length of the instruction at entry is taken and ignored; bases are not taken",
        SEEN,
        vm -> {
          assertThat(vm.set(44, 1)).isZero();
          assertThat(vm.getError(44)).isEqualTo(-EINVAL);
          assertThat(vm.set(45, 0)).isEqualTo(-EINVAL);
          if (vm.facts.version() > 13) {
            assertThat(vm.get(45)).isZero();
          }
        });
  }

  static Stream<Row> rows() {
    return ROWS.stream();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("rows")
  void modelDoesAsTheKernel(Row row) {
    try (RawVm vm = new RawVm(new VmmModel(row.version(), row.amd())).create()) {
      row.check().on(vm);
    }
  }
}
