// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import static dev.tealight.ffi.posix.LinuxIoctl.none;
import static dev.tealight.ffi.posix.LinuxIoctl.read;
import static dev.tealight.ffi.posix.LinuxIoctl.readWrite;
import static dev.tealight.ffi.posix.LinuxIoctl.write;

import dev.tealight.ffi.posix.Ioctl;

/**
 * KVM's requests, grouped by the descriptor they are made on.
 *
 * @see "Linux include/uapi/linux/kvm.h"
 */
final class KvmIoctl {
  private static final int KVMIO = 0xAE;

  // On /dev/kvm.
  static final Ioctl GET_API_VERSION = none("KVM_GET_API_VERSION", KVMIO, 0x00);
  static final Ioctl CREATE_VM = none("KVM_CREATE_VM", KVMIO, 0x01);
  static final Ioctl CHECK_EXTENSION = none("KVM_CHECK_EXTENSION", KVMIO, 0x03);
  static final Ioctl GET_VCPU_MMAP_SIZE = none("KVM_GET_VCPU_MMAP_SIZE", KVMIO, 0x04);
  static final Ioctl GET_SUPPORTED_CPUID =
      readWrite("KVM_GET_SUPPORTED_CPUID", KVMIO, 0x05, KvmCpuid.HEADER);

  // On a VM.
  static final Ioctl CREATE_VCPU = none("KVM_CREATE_VCPU", KVMIO, 0x41);
  static final Ioctl SET_USER_MEMORY_REGION =
      write("KVM_SET_USER_MEMORY_REGION", KVMIO, 0x46, KvmUserspaceMemoryRegion.LAYOUT);
  static final Ioctl IOEVENTFD = write("KVM_IOEVENTFD", KVMIO, 0x79, KvmIoeventfd.LAYOUT);

  // On a vCPU.
  static final Ioctl RUN = none("KVM_RUN", KVMIO, 0x80);
  static final Ioctl GET_REGS = read("KVM_GET_REGS", KVMIO, 0x81, KvmRegs.LAYOUT);
  static final Ioctl SET_REGS = write("KVM_SET_REGS", KVMIO, 0x82, KvmRegs.LAYOUT);
  static final Ioctl GET_SREGS = read("KVM_GET_SREGS", KVMIO, 0x83, KvmSregs.LAYOUT);
  static final Ioctl SET_SREGS = write("KVM_SET_SREGS", KVMIO, 0x84, KvmSregs.LAYOUT);
  static final Ioctl INTERRUPT = write("KVM_INTERRUPT", KVMIO, 0x86, KvmInterrupt.LAYOUT);
  static final Ioctl SET_CPUID2 = write("KVM_SET_CPUID2", KVMIO, 0x90, KvmCpuid.HEADER);
  static final Ioctl SET_GUEST_DEBUG =
      write("KVM_SET_GUEST_DEBUG", KVMIO, 0x9b, KvmGuestDebug.LAYOUT);
  static final Ioctl GET_VCPU_EVENTS =
      read("KVM_GET_VCPU_EVENTS", KVMIO, 0x9f, KvmVcpuEvents.LAYOUT);
  static final Ioctl SET_VCPU_EVENTS =
      write("KVM_SET_VCPU_EVENTS", KVMIO, 0xa0, KvmVcpuEvents.LAYOUT);
  static final Ioctl GET_TSC_KHZ = none("KVM_GET_TSC_KHZ", KVMIO, 0xa3);
  static final Ioctl GET_XSAVE = read("KVM_GET_XSAVE", KVMIO, 0xa4, KvmXsave.LAYOUT);
  static final Ioctl SET_XSAVE = write("KVM_SET_XSAVE", KVMIO, 0xa5, KvmXsave.LAYOUT);

  private KvmIoctl() {}
}
