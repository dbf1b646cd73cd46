// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static dev.tealight.ffi.posix.FreeBsdErrno.EBUSY;
import static dev.tealight.ffi.posix.FreeBsdErrno.EFAULT;
import static dev.tealight.ffi.posix.FreeBsdErrno.EINVAL;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.testkit.X86LongMode;

/** Running, and who else wants the vCPU. */
class ModelRunTest extends KernelRows {
  @Override
  void fill() {
    running();
    others();
  }

  private void running() {
    row(
        "a vCPU that is not active, or does not exist, is run",
        SEEN,
        vm -> {
          assertThat(vm.run()).isEqualTo(-EINVAL);
          assertThat(vm.run(-1, vm.exit)).isEqualTo(-EINVAL);
          assertThat(vm.run(9999, vm.exit)).isEqualTo(-EINVAL);
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
    from(14, "the exit goes nowhere: it is lost", SEEN, ModelRunTest::exitIsLost);
  }

  private void others() {
    row(
        "the guest goes on where RIP was set",
        SEEN,
        vm -> {
          active(vm, "e712" + "e612");
          assertThat(vm.exitCode()).isZero();
          assertThat(vm.set(RIP, X86LongMode.CODE)).isZero();
          assertThat(vm.exitCode()).isZero();
          assertThat(vm.exitLong("rip")).isEqualTo(X86LongMode.CODE);
        });
    row(
        "what needs an idle vCPU calls a running one out, and waits",
        SEEN,
        vm -> {
          active(vm, "ebfe");
          RawVm.Running running = vm.new Running();
          RawVm.await(() -> vm.vcpu().running);
          assertThat(vm.get(RIP)).isEqualTo(X86LongMode.CODE);
          vm.memory().writeShort(X86LongMode.CODE + 2, (short) 0x12e7); // it runs on at once
          assertThat(vm.set(RIP, X86LongMode.CODE + 2)).isZero();
          assertThat(running.code()).isZero();
          assertThat(running.requests).isPositive();
        });
    row(
        "what does not need an idle vCPU leaves it running",
        SOURCE,
        vm -> {
          active(vm, "ebfe");
          RawVm.Running running = vm.new Running();
          RawVm.await(() -> vm.vcpu().running);
          assertThat(vm.cpus(0, vm.facts.number("sizeof_cpuset_t"))).isEqualTo(1);
          assertThat(vm.ioctl("VM_SET_TOPOLOGY", vm.topology(1, 2, 1))).isZero();
          if (vm.facts.version() < 15) {
            assertThat(vm.counters(0)).isZero();
          }
          assertThat(vm.ioctl("VM_SUSPEND_CPU", 0)).isZero();
          assertThat(running.code()).isEqualTo(DEBUG);
          assertThat(running.requests).isZero();
        });
    row(
        "two threads run one vCPU: each calls the other out",
        SEEN,
        vm -> {
          active(vm, "ebfe");
          RawVm.Running one = vm.new Running();
          RawVm.Running other = vm.new Running();
          RawVm.await(() -> one.requests > 100 && other.requests > 100);
          assertThat(vm.ioctl("VM_SUSPEND_CPU", 0)).isZero();
          assertThat(one.code()).isEqualTo(DEBUG);
          assertThat(other.code()).isEqualTo(DEBUG);
        });
    row(
        "the counter is read without an exit",
        SEEN,
        vm -> {
          active(vm, "0f31" + "e712"); // rdtsc; out
          assertThat(vm.exitCode()).isZero();
          assertThat(vm.exitLong("rip")).isEqualTo(X86LongMode.CODE + 2);
        });
  }

  private static void exitIsLost(RawVm vm) {
    active(vm, "e712" + "e612");
    assertThat(vm.runWithBadPointer()).isEqualTo(-EFAULT);
    assertThat(vm.exitCode()).isZero();
    assertThat(vm.exitLong("rip")).as("that exit is lost").isEqualTo(X86LongMode.CODE + 2);
  }
}
