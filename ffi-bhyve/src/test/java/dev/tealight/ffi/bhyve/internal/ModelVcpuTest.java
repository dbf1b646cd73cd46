// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static dev.tealight.ffi.posix.FreeBsdErrno.EINVAL;
import static dev.tealight.ffi.posix.FreeBsdErrno.ENOENT;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.testkit.X86LongMode;

/** Capabilities, registers and events. */
class ModelVcpuTest extends KernelRows {
  @Override
  void fill() {
    capabilities();
    registers();
    others();
  }

  private void capabilities() {
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

  private void registers() {
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

  private void others() {
    row(
        "an exception is delivered with its error code, at the instruction or behind it",
        SEEN,
        vm -> {
          active(vm, "e712");
          vm.handle(13, "e613");
          for (boolean restart : new boolean[] {true, false}) {
            assertThat(vm.set(RSP, X86LongMode.STACK_TOP)).isZero();
            assertThat(vm.set(RIP, X86LongMode.CODE)).isZero();
            assertThat(vm.exitCode()).isZero();
            assertThat(vm.inject(13, 0x18, true, restart)).isZero();
            assertThat(vm.exitCode()).isZero();
            assertThat(vm.exitLong("rip")).isEqualTo(X86LongMode.CODE + 0x1000);
            long stack = vm.get(RSP);
            assertThat(vm.memory().readLong(stack)).isEqualTo(0x18);
            long back = X86LongMode.CODE + (restart ? 0 : 2);
            assertThat(vm.memory().readLong(stack + 8)).isEqualTo(back);
          }
        });
    row(
        "an NMI wakes a halted vCPU",
        SEEN,
        vm -> {
          active(vm, "fbf4"); // sti; hlt
          vm.handle(2, "e613");
          RawVm.Running running = vm.new Running();
          RawVm.await(() -> vm.vcpu().running);
          assertThat(vm.ioctl("VM_INJECT_NMI", 0)).isZero();
          assertThat(running.code()).isZero();
          assertThat(running.exitInt("rip")).isEqualTo((int) X86LongMode.CODE + 0x1000);
        });
    row(
        "sets of vCPUs: of which sizes",
        SEEN,
        vm -> {
          assertThat(vm.ioctl("VM_ACTIVATE_CPU", 0)).isZero();
          int size = vm.facts.number("sizeof_cpuset_t");
          assertThat(vm.cpus(0, size)).isEqualTo(1);
          assertThat(vm.cpus(1, size)).isZero();
          assertThat(vm.cpus(0, 256)).isEqualTo(-ERANGE);
          assertThat(vm.cpus(0, 0)).isEqualTo(-ERANGE);
          assertThat(vm.cpus(0, 1)).isEqualTo(vm.facts.version() < 15 ? -ERANGE : 1);
        });
    row(
        "counters beyond the last",
        SEEN,
        vm -> {
          assertThat(vm.counters(0)).isZero();
          if (vm.facts.version() > 13) {
            assertThat(vm.counters(44)).isEqualTo(-ENOENT);
          }
          var name = vm.argument("VM_STAT_DESC");
          vm.facts.putInt(name, "vm_stat_desc.index", 43);
          assertThat(vm.ioctl("VM_STAT_DESC", name)).isEqualTo(-EINVAL);
          vm.facts.putInt(name, "vm_stat_desc.index", 42);
          assertThat(vm.ioctl("VM_STAT_DESC", name)).isZero();
        });
    row(
        "a topology of more vCPUs than there can be",
        SEEN,
        vm -> {
          assertThat(vm.ioctl("VM_SET_TOPOLOGY", vm.topology(1, 1, 1))).isZero();
          assertThat(vm.ioctl("VM_SET_TOPOLOGY", vm.topology(100, 100, 1))).isEqualTo(-EINVAL);
        });
    amd(
        "of a segment that is not present is read that it is unusable",
        SOURCE,
        vm -> {
          assertThat(vm.descriptor(28, 0x82)).isEqualTo(0x82 | 0);
          assertThat(vm.descriptor(28, 0x10082)).isEqualTo(0x10002);
          assertThat(vm.descriptor(25, 0x13)).isEqualTo(0x10013);
          assertThat(vm.descriptor(23, 0xa01b)).isEqualTo(0xa01b);
        });
    from(
        14,
        "kernel GS base and task priority are read and not set",
        SEEN,
        vm -> {
          for (int number : new int[] {46, 47, 48}) {
            assertThat(vm.get(number)).isZero();
            assertThat(vm.set(number, 0)).isEqualTo(-EINVAL);
          }
        });
    row(
        "debug registers and the interrupt shadow are kept",
        SOURCE,
        vm -> {
          for (int number : new int[] {18, 39, 40, 41, 42, 43}) {
            assertThat(vm.set(number, 0x1234)).isZero();
            assertThat(vm.get(number)).isEqualTo(0x1234);
          }
          assertThat(vm.set(38, 0)).isZero();
          assertThat(vm.get(38)).isZero();
        });
    intel(
        "RDPID and RDTSCP are asked for, not set",
        SOURCE,
        vm -> {
          for (int type : new int[] {6, 7}) {
            assertThat(vm.capability(false, type, 0)).isEqualTo(1);
            assertThat(vm.capability(true, type, 1)).isEqualTo(-EOPNOTSUPP);
          }
        });
  }
}
