// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static dev.tealight.ffi.posix.FreeBsdErrno.EBUSY;
import static dev.tealight.ffi.posix.FreeBsdErrno.EINVAL;
import static dev.tealight.ffi.posix.FreeBsdErrno.EIO;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.testkit.X86LongMode;
import java.lang.foreign.ValueLayout;
import java.util.List;

/** Exits, and what never comes out. */
class ModelExitsTest extends KernelRows {
  private static final int[] PORTS = {
    0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1, 0x40, 0x41, 0x42, 0x43, 0x61, 0x70, 0x71, 0x408
  };

  @Override
  void fill() {
    exits();
    accesses();
  }

  private void exits() {
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
    from(
        14,
        "a step by the trap flag: DB behind the instruction, RFLAGS with TF, none for an OUT",
        SEEN,
        vm -> {
          active(vm, "ffc0" + "e712" + "9c" + "ffc0"); // inc %eax; out; pushf; inc %eax
          assertThat(vm.capability(true, 10, 1)).isZero();
          assertThat(vm.exitCode()).isEqualTo(DB);
          assertThat(vm.exitInt("u.dbg.trace_trap")).isEqualTo(1);
          assertThat(vm.exitLong("rip")).isEqualTo(X86LongMode.CODE + 2);
          assertThat(vm.get(RFLAGS)).isEqualTo(0x102);
          assertThat(vm.exitCode()).isZero();
          assertThat(vm.exitCode()).isEqualTo(DB);
          assertThat(vm.exitInt("u.dbg.pushf_intercept")).isEqualTo(1);
          assertThat(vm.exitLong("rip")).isEqualTo(X86LongMode.CODE + 5);
          assertThat(vm.exitCode()).isEqualTo(DB);
          assertThat(vm.exitInt("u.dbg.pushf_intercept")).isZero();
          assertThat(vm.capability(true, 10, 0)).isZero();
          assertThat(vm.get(RFLAGS)).isEqualTo(0x2);
        });
    from(14, "INT3 comes out if asked for, and comes again", SEEN, ModelExitsTest::breakpoint);
    intel("INT3 comes out if asked for, and comes again", BELIEVED, ModelExitsTest::breakpoint);
    intel(
        "a step by the monitor trap: MTRAP behind the instruction",
        BELIEVED,
        vm -> {
          active(vm, "ffc0" + "ffc0");
          assertThat(vm.capability(true, 1, 1)).isZero();
          assertThat(vm.exitCode()).isEqualTo(MTRAP);
          assertThat(vm.exitInt("inst_length")).isZero();
          assertThat(vm.exitLong("rip")).isEqualTo(X86LongMode.CODE + 2);
          assertThat(vm.get(RFLAGS)).isEqualTo(0x2);
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

  private void accesses() {
    row(
        "IN leaves RAX alone",
        SEEN,
        vm -> {
          active(vm, "e412");
          assertThat(vm.set(RAX, 0x1122334455667788L)).isZero();
          assertThat(vm.exitCode()).isZero();
          assertThat(vm.get(RAX)).isEqualTo(0x1122334455667788L);
        });
    row(
        "every port of the kernel's devices: no exit at its width",
        SEEN,
        vm -> {
          active(vm, "90");
          for (int port : PORTS) {
            vm.load((port == 0x408 ? "ef" : "ee") + "e612");
            assertThat(vm.set(RDX, port)).isZero();
            assertThat(vm.exitCode()).as("port 0x%x", port).isZero();
            assertThat(vm.get(RIP)).as("port 0x%x", port).isEqualTo(X86LongMode.CODE + 1);
          }
          for (int port : new int[] {0x1f, 0x22, 0x44, 0x60, 0x72, 0x92, 0x3f8, 0x4d2, 0xcf8}) {
            vm.load("ee");
            assertThat(vm.set(RDX, port)).isZero();
            assertThat(vm.exitCode()).as("port 0x%x", port).isZero();
            assertThat(vm.get(RIP)).as("port 0x%x", port).isEqualTo(X86LongMode.CODE);
          }
        });
    row(
        "behind a refused access to a device of the kernel the next run goes on",
        SOURCE,
        vm -> {
          active(vm, "e443" + "e612");
          assertThat(vm.run()).isEqualTo(-EIO);
          assertThat(vm.exitCode()).isZero();
          assertThat(vm.get(RIP)).isEqualTo(X86LongMode.CODE + 2);
        });
    row(
        "controllers in memory: served by the kernel; a misaligned read of the local one is EINVAL",
        SEEN,
        vm -> {
          active(vm, "90");
          vm.memory().writeLong(0x3000 + 3 * 8, 0x5003); // the fourth GiB
          vm.memory().writeLong(0x5000 + 502 * 8, 0xfec00083L);
          vm.memory().writeLong(0x5000 + 503 * 8, 0xfee00083L);
          for (long address : new long[] {0xfec00000L, 0xfed00000L, 0xfee00020L}) {
            vm.load("8b07" + "e612"); // mov (%rdi), %eax; out
            assertThat(vm.set(RDI, address)).isZero();
            assertThat(vm.exitCode()).isZero();
            assertThat(vm.exitInt("u.inout.eax")).isZero();
          }
          vm.load("8b07" + "e612");
          assertThat(vm.set(RDI, 0xfee00021L)).isZero();
          assertThat(vm.run()).isEqualTo(-EINVAL);
        });
    row(
        "string instructions come out with what they have left to do",
        SEEN,
        vm -> {
          active(vm, "f36e"); // rep outsb
          assertThat(vm.set(RSI, 0x5000)).isZero();
          assertThat(vm.set(RCX, 3)).isZero();
          assertThat(vm.set(RDX, 0x80)).isZero();
          assertThat(vm.exitCode()).isEqualTo(INOUT_STR);
          short word = vm.exit.get(ValueLayout.JAVA_SHORT, vm.facts.value("vm_exit.u"));
          assertThat(word & 0x3f).isEqualTo(0x31);
          assertThat(vm.exitInt("inst_length")).isEqualTo(2);
          assertThat(vm.exitLong("u.inout_str.index")).isEqualTo(0x5000);
          assertThat(vm.exitLong("u.inout_str.count")).isEqualTo(3);
          assertThat(vm.exitInt("u.inout_str.addrsize")).isEqualTo(8);
        });
    amd(
        "an access outside memory: no linear address, the bytes that were decoded",
        SEEN,
        vm -> {
          active(vm, "8907");
          assertThat(vm.set(RDI, OUTSIDE)).isZero();
          assertThat(vm.exitCode()).isEqualTo(INST_EMUL);
          assertThat(vm.exitLong("u.inst_emul.gla")).isEqualTo(1L << 63);
          long decoder = vm.facts.value("vm_exit.u.inst_emul.vie");
          assertThat(vm.exit.get(ValueLayout.JAVA_SHORT, decoder)).isEqualTo((short) 0x0789);
          assertThat(vm.exit.get(ValueLayout.JAVA_BYTE, decoder + 56)).isEqualTo((byte) 1);
          vm.load("f0ff07");
          assertThat(vm.set(RDI, OUTSIDE)).isZero();
          assertThat(vm.exitCode()).isEqualTo(INST_EMUL);
          assertThat(vm.exit.get(ValueLayout.JAVA_BYTE, decoder + 56)).isZero();
          assertThat(vm.exit.get(ValueLayout.JAVA_BYTE, decoder + 15)).isEqualTo((byte) 15);
        });
    amd(
        "page tables outside memory: SVM 0x400 by the walk",
        SEEN,
        vm -> {
          active(vm, "0f22df"); // mov %rdi, %cr3
          assertThat(vm.set(RDI, OUTSIDE)).isZero();
          assertThat(vm.exitCode()).isEqualTo(SVM);
          assertThat(vm.exitLong("u.svm.exitcode")).isEqualTo(0x400);
          assertThat(vm.exitLong("u.svm.exitinfo1")).isEqualTo(0x200000006L);
        });
    amd(
        "calls of hypervisors raise #UD",
        SEEN,
        vm -> {
          active(vm, "0f01d9"); // vmmcall
          vm.handle(6, "e613");
          assertThat(vm.exitCode()).isZero();
          assertThat(vm.exitLong("rip")).isEqualTo(X86LongMode.CODE + 0x1000);
        });
  }

  private static void breakpoint(RawVm vm) {
    active(vm, "cc");
    assertThat(vm.capability(true, 5, 1)).isZero();
    for (int i = 0; i < 2; i++) {
      assertThat(vm.exitCode()).isEqualTo(BPT);
      assertThat(vm.exitInt("inst_length")).isZero();
      assertThat(vm.exitInt("u.bpt.inst_length")).isEqualTo(1);
      assertThat(vm.exitLong("rip")).isEqualTo(X86LongMode.CODE);
    }
  }
}
