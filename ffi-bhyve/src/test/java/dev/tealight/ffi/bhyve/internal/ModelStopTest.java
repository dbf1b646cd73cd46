// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static dev.tealight.ffi.posix.FreeBsdErrno.EBUSY;
import static dev.tealight.ffi.posix.FreeBsdErrno.EINVAL;
import static dev.tealight.ffi.posix.FreeBsdErrno.ENOENT;
import static dev.tealight.ffi.posix.FreeBsdErrno.ENXIO;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.testkit.X86LongMode;

/** Marks, the end and resets. */
class ModelStopTest extends KernelRows {
  @Override
  void fill() {
    stopping();
    peers();
  }

  private void stopping() {
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
    from(
        15,
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

  private void peers() {
    row(
        "a mark calls a vCPU out that runs, and one that halted goes on behind the halt",
        SEEN,
        vm -> {
          active(vm, "ebfe");
          for (String code : new String[] {"ebfe", "fbf4e712"}) { // spin; sti, hlt, out
            vm.load(code);
            RawVm.Running running = vm.new Running();
            RawVm.await(() -> vm.vcpu().running);
            assertThat(vm.ioctl("VM_SUSPEND_CPU", 0)).isZero();
            assertThat(running.code()).isEqualTo(DEBUG);
            assertThat(vm.ioctl("VM_RESUME_CPU", 0)).isZero();
          }
          if (vm.get(RIP) == X86LongMode.CODE + 2) { // it had halted by then
            assertThat(vm.exitCode()).isZero();
            assertThat(vm.exitLong("rip")).isEqualTo(X86LongMode.CODE + 2);
          }
        });
    row(
        "a mark calls a vCPU out that halts without the capability to sleep",
        SEEN,
        vm -> {
          active(vm, "faf4");
          assertThat(vm.capability(true, 0, 0)).isZero();
          RawVm.Running running = vm.new Running();
          RawVm.await(() -> vm.vcpu().running);
          assertThat(vm.ioctl("VM_SUSPEND_CPU", 0)).isZero();
          assertThat(running.code()).isEqualTo(DEBUG);
        });
    row(
        "all active vCPUs are marked by -1",
        SOURCE,
        vm -> {
          active(vm, "e712");
          assertThat(vm.ioctl("VM_SUSPEND_CPU", -1)).isZero();
          assertThat(vm.exitCode()).isEqualTo(DEBUG);
          assertThat(vm.cpus(2, vm.facts.number("sizeof_cpuset_t"))).isEqualTo(1);
          assertThat(vm.ioctl("VM_RESUME_CPU", -1)).isZero();
          assertThat(vm.exitCode()).isZero();
        });
    row(
        "the end is reported once all active vCPUs are in VM_RUN",
        SEEN,
        vm -> {
          RawVm.Running other = waitsForItsPeer(vm);
          assertThat(other.isOver()).isFalse();
          assertThat(vm.exitCode()).isEqualTo(SUSPENDED);
          assertThat(other.code()).isEqualTo(SUSPENDED);
        });
    from(
        15,
        "a reset while a vCPU waits for its peers waits, too, until the VM is destroyed",
        SEEN,
        vm -> {
          RawVm.Running other = waitsForItsPeer(vm);
          var result = new java.util.concurrent.CompletableFuture<Long>();
          Thread reset =
              Thread.ofPlatform()
                  .start(() -> result.complete(vm.ioctl("VM_REINIT", vm.argument("VM_REINIT"))));
          RawVm.await(() -> reset.getState() == Thread.State.TIMED_WAITING);
          assertThat(result).isNotDone();
          assertThat(vm.destroyBySysctl(RawVm.NAME)).isZero();
          assertThat(other.code()).isEqualTo(SUSPENDED);
          assertThat(result.join()).isEqualTo(-ENXIO);
        });
    from(
        15,
        "a VM is destroyed while it runs, or is halted: how 5, then ENXIO",
        SEEN,
        vm -> {
          active(vm, "ebfe");
          RawVm.Running running = vm.new Running();
          RawVm.await(() -> vm.vcpu().running);
          assertThat(vm.destroyBySysctl(RawVm.NAME)).isZero();
          assertThat(running.code()).isEqualTo(SUSPENDED);
          assertThat(running.exitInt("u.suspended.how")).isEqualTo(5);
          assertThat(vm.run()).isEqualTo(-ENXIO);
        });
    row(
        "a reset takes the mappings of devices away",
        SOURCE,
        vm -> {
          active(vm, "faf4");
          int number = vm.facts.number("VM_FRAMEBUFFER");
          assertThat(vm.allocate(number, 0x4000, "frames")).isZero();
          assertThat(vm.map(number, 0x4000_0000, 0x4000, 0, 7, 0)).isZero();
          assertThat(vm.exitCode()).isEqualTo(SUSPENDED);
          assertThat(vm.ioctl("VM_REINIT", vm.argument("VM_REINIT"))).isZero();
          assertThat(vm.next(0)).isZero();
          assertThat(vm.next(0x1000)).isEqualTo(-ENOENT);
        });
  }

  /** {@return the run of the second vCPU, which has seen the end; the first does not run} */
  private static RawVm.Running waitsForItsPeer(RawVm vm) {
    active(vm, "e712");
    vm.cpu = 1;
    vm.load("ebfe");
    assertThat(vm.ioctl("VM_ACTIVATE_CPU", 1)).isZero();
    RawVm.Running other = vm.new Running();
    assertThat(vm.ioctl("VM_SUSPEND", 2)).isZero();
    RawVm.await(() -> vm.vcpu().sawSuspension);
    vm.cpu = 0;
    return other;
  }
}
