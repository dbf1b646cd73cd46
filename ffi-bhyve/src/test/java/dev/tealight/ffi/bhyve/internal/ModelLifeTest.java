// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static dev.tealight.ffi.posix.FreeBsdErrno.EACCES;
import static dev.tealight.ffi.posix.FreeBsdErrno.EEXIST;
import static dev.tealight.ffi.posix.FreeBsdErrno.EINVAL;
import static dev.tealight.ffi.posix.FreeBsdErrno.ENOENT;
import static dev.tealight.ffi.posix.FreeBsdErrno.ENOTTY;
import static dev.tealight.ffi.posix.FreeBsdErrno.ENXIO;
import static dev.tealight.ffi.posix.FreeBsdErrno.EPERM;
import static org.assertj.core.api.Assertions.assertThat;

/** How VMs come and go. */
class ModelLifeTest extends KernelRows {
  @Override
  void fill() {
    names();
    life();
  }

  private void names() {
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
    from(
        15,
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

  private void life() {
    row(
        "without the module, without the hardware, without being root",
        SEEN,
        vm -> {
          vm.kernel.loaded = false;
          assertThat(vm.createBySysctl("a")).isEqualTo(-ENOENT);
          assertThat(vm.destroyBySysctl("a")).isEqualTo(-ENOENT);
          assertThat(vm.open("/dev/vmmctl", 2)).isEqualTo(-ENOENT);
          vm.kernel.loaded = true;
          vm.kernel.hardware = false;
          assertThat(vm.createBySysctl("a")).isEqualTo(-ENXIO);
          assertThat(vm.open("/dev/vmmctl", 2)).isEqualTo(-ENOENT);
          vm.kernel.hardware = true;
          vm.kernel.root = false;
          assertThat(vm.createBySysctl("a")).isEqualTo(-EPERM);
          assertThat(vm.destroyBySysctl(RawVm.NAME)).isEqualTo(-EPERM);
          assertThat(vm.open("/dev/vmm/" + RawVm.NAME, 2)).isEqualTo(-EACCES);
          vm.kernel.root = true;
        });
    row(
        "a VM whose descriptor was opened as root goes on as somebody else",
        SEEN,
        vm -> {
          active(vm, "e712");
          vm.kernel.root = false;
          assertThat(vm.exitCode()).isZero();
          vm.kernel.root = true;
        });
    from(
        15,
        "a control device that was opened as root makes and destroys VMs as somebody else",
        SEEN,
        vm -> {
          int control = (int) vm.open("/dev/vmmctl", 2);
          vm.kernel.root = false;
          assertThat(vm.control(control, "VMMCTL_VM_CREATE", "a", 0)).isZero();
          assertThat(vm.control(control, "VMMCTL_VM_DESTROY", "a", 0)).isZero();
          vm.kernel.root = true;
          assertThat(vm.kernel.close(control)).isZero();
        });
    from(
        15,
        "a name of 230 bytes without the zero byte is cut",
        SEEN,
        vm -> {
          int control = (int) vm.open("/dev/vmmctl", 2);
          assertThat(vm.control(control, "VMMCTL_VM_CREATE", "n".repeat(230), 0)).isZero();
          assertThat(vm.kernel.vms).containsKey("n".repeat(229));
          assertThat(vm.kernel.close(control)).isZero();
        });
    row(
        "a VM outlives the descriptor that was closed",
        SEEN,
        vm -> {
          assertThat(vm.kernel.close(vm.descriptor)).isZero();
          assertThat(vm.createBySysctl(RawVm.NAME)).isEqualTo(-EEXIST);
          assertThat(vm.open("/dev/vmm/" + RawVm.NAME, 2)).isPositive();
        });
    row(
        "opened for reading, requests are served, memory is not mapped for writing",
        SEEN,
        vm -> {
          vm.descriptor = (int) vm.open("/dev/vmm/" + RawVm.NAME, 0);
          active(vm, "e712");
          assertThat(vm.exitCode()).isZero();
          assertThat(vm.kernel.mmap(0x1000, 3, 1, vm.descriptor, 0)).isEqualTo(-EACCES);
        });
    row(
        "memory of the host's mapping outlives the VM",
        SEEN,
        vm -> {
          vm.memory().writeByte(0x7000, (byte) 1);
          assertThat(vm.destroyBySysctl(RawVm.NAME)).isZero();
          assertThat(vm.memory().readByte(0x7000)).isEqualTo((byte) 1);
          assertThat(vm.run()).isEqualTo(-ENXIO);
        });
    from(
        14,
        "older forms on a kernel that keeps them",
        SEEN,
        vm -> {
          vm.kernel.compatible = true;
          active(vm, "e712");
          assertThat(vm.ioctl("VM_RUN_13", vm.argument("VM_RUN_13"))).isZero();
          assertThat(vm.ioctl("VM_STATS_13", vm.argument("VM_STATS_13"))).isZero();
        });
    from(
        15,
        "the older form adds 7 to the number of a segment that is not 0",
        SEEN,
        vm -> {
          vm.kernel.compatible = true;
          var argument = vm.argument("VM_ALLOC_MEMSEG_14");
          vm.facts.putInt(argument, "vm_memseg_14.segid", 2);
          vm.facts.putLong(argument, "vm_memseg_14.len", 0x4000);
          argument.asSlice(vm.facts.value("vm_memseg_14.name")).setString(0, "vram");
          assertThat(vm.ioctl("VM_ALLOC_MEMSEG_14", argument)).isZero();
          assertThat(vm.segment(9)).isEqualTo(0x4000);
          assertThat(vm.open("/dev/vmm.io/" + RawVm.NAME + ".vram", 2)).isPositive();
        });
  }
}
