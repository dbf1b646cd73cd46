// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import dev.tealight.HostCallException;
import dev.tealight.HypervisorUnavailableException;
import dev.tealight.ffi.posix.Descriptor;
import dev.tealight.ffi.posix.HostCalls;
import dev.tealight.ffi.posix.LinuxAbi;
import dev.tealight.ffi.posix.LinuxErrno;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/** The device node, opened and found to be sufficient. */
final class KvmDevice implements AutoCloseable {
  static final String PATH = "/dev/kvm";

  /** The only version there will be, says KVM's documentation. */
  static final int API_VERSION = 12;

  private final Descriptor descriptor;
  private final Set<KvmCap> capabilities = EnumSet.noneOf(KvmCap.class);
  private final long vcpuMappingByteSize;

  /**
   * Opens and checks the device.
   *
   * @throws HypervisorUnavailableException if it cannot run guests; says what is missing and how to
   *     get it
   */
  static KvmDevice open(HostCalls host) {
    Descriptor descriptor;
    try {
      descriptor = Descriptor.open(host, PATH, LinuxAbi.O_RDWR);
    } catch (HostCallException e) {
      throw new HypervisorUnavailableException(
          "kvm: %s: %s".formatted(e.getMessage(), remedy(e.errno())), e);
    }
    try {
      return new KvmDevice(descriptor);
    } catch (HostCallException e) {
      descriptor.close();
      throw new HypervisorUnavailableException("kvm: " + e.getMessage(), e);
    } catch (RuntimeException | Error e) {
      descriptor.close();
      throw e;
    }
  }

  private static String remedy(int errno) {
    return switch (errno) {
      case LinuxErrno.ENOENT ->
          "the kernel offers no KVM: load kvm_intel or kvm_amd, or let this machine or container"
              + " have the device";
      case LinuxErrno.EACCES, LinuxErrno.EPERM ->
          "this user may not use it: add the user to the group that owns it, often kvm";
      default -> "the device is there but does not work";
    };
  }

  private KvmDevice(Descriptor descriptor) {
    this.descriptor = descriptor;
    int version = descriptor.ioctl(KvmIoctl.GET_API_VERSION, 0);
    if (version != API_VERSION) {
      throw new HypervisorUnavailableException(
          "kvm: %s has API version %d, only %d is known".formatted(PATH, version, API_VERSION));
    }
    List<String> missing = new ArrayList<>();
    for (KvmCap cap : KvmCap.values()) {
      if (descriptor.ioctl(KvmIoctl.CHECK_EXTENSION, cap.number()) > 0) {
        capabilities.add(cap);
      } else if (cap.needed()) {
        missing.add(cap.kernelName());
      }
    }
    if (!missing.isEmpty()) {
      throw new HypervisorUnavailableException(
          "kvm: %s lacks %s: a newer kernel is needed, or another kind of host"
              .formatted(PATH, String.join(", ", missing)));
    }
    vcpuMappingByteSize = descriptor.ioctl(KvmIoctl.GET_VCPU_MMAP_SIZE, 0);
  }

  Descriptor descriptor() {
    return descriptor;
  }

  boolean has(KvmCap cap) {
    return capabilities.contains(cap);
  }

  /** {@return bytes of the mapping that each vCPU shares with KVM} */
  long vcpuMappingByteSize() {
    return vcpuMappingByteSize;
  }

  String description() {
    return PATH + ", API version " + API_VERSION;
  }

  @Override
  public void close() {
    descriptor.close();
  }
}
