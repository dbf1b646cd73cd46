// SPDX-License-Identifier: ISC

// exit-loop CODE CALLS: what a run loop in C costs. Runs the flat 16-bit guest in the file CODE, loaded at 0x1000, which
// makes CALLS hypercalls 1 (write the wall clock to the address in the argument) and then hypercall 8 (end). Prints the
// nanoseconds from the first hypercall to the end.
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { MEMORY_BYTE_SIZE = 2 << 20, CODE = 0x1000, FIRST_PORT = 0x500, WALLTIME = 1, HALT = 8 };

static uint64_t clock_ns(clockid_t id) {
  struct timespec t;
  clock_gettime(id, &t);
  return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int check(int result, const char *what) {
  if (result == -1) {
    perror(what);
    exit(1);
  }
  return result;
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: exit-loop CODE CALLS\n");
    return 2;
  }
  uint64_t calls = strtoull(argv[2], NULL, 10);
  int kvm = check(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");
  int vm = check(ioctl(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
  uint8_t *memory = mmap(NULL, MEMORY_BYTE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) check(-1, "mmap");
  int code = check(open(argv[1], O_RDONLY), argv[1]);
  check((int)read(code, memory + CODE, 0x1000), argv[1]);
  struct kvm_userspace_memory_region region = {.memory_size = MEMORY_BYTE_SIZE, .userspace_addr = (uintptr_t)memory};
  check(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");

  int vcpu = check(ioctl(vm, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");
  size_t run_size = (size_t)check(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE");
  struct kvm_run *run = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
  if (run == MAP_FAILED) check(-1, "mmap");
  struct kvm_sregs sregs;
  check(ioctl(vcpu, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
  sregs.cs.base = 0;
  sregs.cs.selector = 0;
  check(ioctl(vcpu, KVM_SET_SREGS, &sregs), "KVM_SET_SREGS");
  struct kvm_regs regs = {.rip = CODE, .rflags = 2};
  check(ioctl(vcpu, KVM_SET_REGS, &regs), "KVM_SET_REGS");

  uint64_t begin = 0, served = 0;
  for (;;) {
    check(ioctl(vcpu, KVM_RUN, 0), "KVM_RUN");
    if (run->exit_reason != KVM_EXIT_IO || run->io.direction != KVM_EXIT_IO_OUT || run->io.size != 4) {
      fprintf(stderr, "exit-loop: unexpected exit %u\n", run->exit_reason);
      return 1;
    }
    uint32_t gpa = *(uint32_t *)((uint8_t *)run + run->io.data_offset);
    switch (run->io.port - FIRST_PORT) {
      case WALLTIME: {
        if (gpa > MEMORY_BYTE_SIZE - sizeof(uint64_t)) return 1;
        uint64_t time = clock_ns(CLOCK_REALTIME);
        memcpy(memory + gpa, &time, sizeof time);
        if (served++ == 0) begin = clock_ns(CLOCK_MONOTONIC);
        break;
      }
      case HALT:
        printf("%lu\n", clock_ns(CLOCK_MONOTONIC) - begin);
        return served == calls ? 0 : 1;
      default:
        return 1;
    }
  }
}
