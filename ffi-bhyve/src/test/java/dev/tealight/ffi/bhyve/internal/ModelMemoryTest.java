// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static dev.tealight.ffi.posix.FreeBsdErrno.EACCES;
import static dev.tealight.ffi.posix.FreeBsdErrno.EBADF;
import static dev.tealight.ffi.posix.FreeBsdErrno.EEXIST;
import static dev.tealight.ffi.posix.FreeBsdErrno.EFAULT;
import static dev.tealight.ffi.posix.FreeBsdErrno.EINVAL;
import static dev.tealight.ffi.posix.FreeBsdErrno.ENOENT;
import static dev.tealight.ffi.posix.FreeBsdErrno.ENOMEM;
import static dev.tealight.ffi.posix.FreeBsdErrno.ENOSPC;
import static org.assertj.core.api.Assertions.assertThat;

/** Segments and mappings. */
class ModelMemoryTest extends KernelRows {
  @Override
  void fill() {
    memory();
    protection();
  }

  private void memory() {
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

  private void protection() {
    row(
        "what is known of segments: 0 bytes of one that is not there",
        SEEN,
        vm -> {
          assertThat(vm.segment(0)).isEqualTo(RawVm.MEMORY);
          assertThat(vm.segment(1)).isZero();
          assertThat(vm.segment(vm.facts.number("VM_MAX_MEMSEGS"))).isEqualTo(-EINVAL);
        });
    row(
        "segments of devices: a name without an end, a device, no mapping for the monitor",
        SEEN,
        vm -> {
          int number = vm.facts.number("VM_FRAMEBUFFER");
          assertThat(vm.allocate(number, 0x4000, "x".repeat(16))).isEqualTo(-ENAMETOOLONG);
          assertThat(vm.allocate(number, 0x4000, "frames")).isZero();
          assertThat(vm.allocate(number, 0x4000, "frames")).isEqualTo(-EEXIST);
          assertThat(vm.open("/dev/vmm.io/" + RawVm.NAME + ".frames", 2)).isPositive();
          assertThat(vm.map(number, OUTSIDE, 0x4000, 0, 7, 0)).isZero();
          assertThat(vm.kernel.mmap(0x1000, 3, 1, vm.descriptor, OUTSIDE)).isEqualTo(-EINVAL);
        });
    row(
        "mappings are listed by their addresses",
        SEEN,
        vm -> {
          assertThat(vm.map(0x4000_0000, 0x1000, 0, 7, 0)).isZero();
          assertThat(vm.next(0)).isZero();
          assertThat(vm.next(0x1000)).isEqualTo(0x4000_0000);
          assertThat(vm.next(0x4000_1000)).isEqualTo(-ENOENT);
        });
    row(
        "one part of a segment at several addresses, one piece of memory for the monitor",
        SEEN,
        vm -> {
          assertThat(vm.map(0x4000_0000, 0x1000, 0x5000, 1, 0)).isZero();
          long here = vm.kernel.mmap(0x1000, 3, 1, vm.descriptor, 0x4000_0000);
          assertThat(here).isEqualTo(vm.kernel.mmap(0x1000, 3, 1, vm.descriptor, 0x5000));
        });
    row(
        "memory over the controllers is not refused",
        SEEN,
        vm -> {
          assertThat(vm.map(0xfec00000L, 0x1000, 0, 7, 0)).isZero();
          assertThat(vm.map(0xfee00000L, 0x1000, 0, 7, 0)).isZero();
        });
    row(
        "pages may be wired; a mapping of a segment that is not there",
        SOURCE,
        vm -> {
          assertThat(vm.map(0x4000_0000, 0x1000, 0, 7, 1)).isZero();
          assertThat(vm.map(1, 0x5000_0000, 0x1000, 0, 7, 0)).isEqualTo(-EINVAL);
        });
    row(
        "writes to read-only, execution of writable and of read-only pages, writes to text",
        SEEN,
        vm -> {
          active(vm, "8907" + "e712");
          assertThat(vm.unmap(0, RawVm.MEMORY)).isZero();
          assertThat(vm.map(0, 0x90000, 0, 7, 0)).isZero();
          int[] prots = {1, 3, 1, 5};
          String[] codes = {"8907", "ffe7", "ffe7", "8907"}; // mov %eax, (%rdi); jmp *%rdi
          for (int i = 0; i < prots.length; i++) {
            assertThat(vm.map(0x90000, 0x1000, 0x90000, prots[i], 0)).isZero();
            vm.load(codes[i]);
            assertThat(vm.set(RDI, 0x90000)).isZero();
            assertThat(vm.run()).as("protection %d", prots[i]).isEqualTo(-EFAULT);
            assertThat(vm.unmap(0x90000, 0x1000)).isZero();
          }
        });
    amd(
        "what may only be executed can be read",
        SEEN,
        vm -> {
          active(vm, "8b07" + "e712"); // mov (%rdi), %eax; out
          assertThat(vm.unmap(0, RawVm.MEMORY)).isZero();
          assertThat(vm.map(0, 0x90000, 0, 7, 0)).isZero();
          assertThat(vm.map(0x90000, 0x1000, 0x90000, 4, 0)).isZero();
          vm.memory().writeInt(0x90000, 0x1234);
          assertThat(vm.set(RDI, 0x90000)).isZero();
          assertThat(vm.exitCode()).isZero();
          assertThat(vm.exitInt("u.inout.eax")).isEqualTo(0x1234);
        });
  }
}
