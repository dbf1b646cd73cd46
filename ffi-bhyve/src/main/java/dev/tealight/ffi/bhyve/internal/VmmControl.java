// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.tealight.HostCallException;
import dev.tealight.HypervisorUnavailableException;
import dev.tealight.ffi.posix.Descriptor;
import dev.tealight.ffi.posix.FreeBsdAbi;
import dev.tealight.ffi.posix.FreeBsdErrno;
import dev.tealight.ffi.posix.HostCalls;
import dev.tealight.ffi.posix.Ioctl;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes and destroys VMs: from FreeBSD 15 on by the device {@code /dev/vmmctl}, before by setting
 * two values of the kernel. Any thread may use it.
 */
final class VmmControl implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(VmmControl.class);

  static final String DEVICE = "/dev/vmmctl";

  private static final String CREATE = "hw.vmm.create";
  private static final String DESTROY = "hw.vmm.destroy";

  private static final int OLDEST = 13;
  private static final int NEWEST_KNOWN = 15;
  private static final int DESTROYS_ON_CLOSE = 16;
  private static final int VERSION_UNIT = 100_000;

  /** The kernel destroys the VM when the control device is closed, also by a crash. */
  private static final int DESTROY_ON_CLOSE = 1;

  private final HostCalls host;
  private final int osRelease;
  private final @Nullable Descriptor device;
  private volatile int createFlags;

  /**
   * Opens what makes VMs.
   *
   * @throws HypervisorUnavailableException if no VM can be made; says what is missing and how to
   *     get it
   */
  static VmmControl open(HostCalls host) {
    int osRelease = (int) osRelease(host);
    int version = osRelease / VERSION_UNIT;
    if (version < OLDEST) {
      throw new HypervisorUnavailableException(
          "bhyve: this is FreeBSD %d (kern.osreldate=%d): %d or newer is needed"
              .formatted(version, osRelease, OLDEST));
    }
    if (version > NEWEST_KNOWN) {
      LOG.warn(
          "FreeBSD {} (kern.osreldate={}) is newer than what is known: using vmm as in {}",
          version,
          osRelease,
          NEWEST_KNOWN);
    }
    try {
      return new VmmControl(host, osRelease, Descriptor.open(host, DEVICE, FreeBsdAbi.O_RDWR));
    } catch (HostCallException e) {
      if (e.errno() != FreeBsdErrno.ENOENT) {
        throw unavailable(e);
      }
    }
    VmmControl control = new VmmControl(host, osRelease, null);
    control.probe();
    return control;
  }

  private static long osRelease(HostCalls host) {
    try {
      return number(host, "kern.osreldate", JAVA_INT.byteSize());
    } catch (HostCallException e) {
      throw new HypervisorUnavailableException("bhyve: " + e.getMessage(), e);
    }
  }

  /** {@return an integer of the kernel} */
  static long number(HostCalls host, String name, long byteSize) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(JAVA_LONG);
      MemorySegment room = arena.allocateFrom(JAVA_LONG, byteSize);
      long result = host.sysctl(arena.allocateFrom(name), value, room, MemorySegment.NULL);
      Descriptor.check(host, result, "sysctlbyname", name);
      return byteSize == JAVA_INT.byteSize() ? value.get(JAVA_INT, 0) : value.get(JAVA_LONG, 0);
    }
  }

  private VmmControl(HostCalls host, int osRelease, @Nullable Descriptor device) {
    this.host = host;
    this.osRelease = osRelease;
    this.device = device;
    createFlags = device != null && version() >= DESTROYS_ON_CLOSE ? DESTROY_ON_CLOSE : 0;
  }

  /** Only making a VM tells whether one can be made. */
  private void probe() {
    try {
      String name = VmNames.unused();
      create(name);
      destroy(name);
    } catch (HostCallException e) {
      throw unavailable(e);
    }
  }

  private static HypervisorUnavailableException unavailable(HostCallException e) {
    String remedy =
        switch (e.errno()) {
          case FreeBsdErrno.ENOENT ->
              "vmm.ko is not loaded: run kldload vmm; in a jail, let its devfs rules show vmmctl"
                  + " and vmm/*";
          case FreeBsdErrno.ENXIO ->
              "vmm.ko is loaded, but this processor cannot run guests: it takes VT-x with EPT, or"
                  + " SVM with nested paging and NRIP save, switched on in the firmware";
          case FreeBsdErrno.EACCES, FreeBsdErrno.EPERM ->
              "this user may not make VMs: be root, from FreeBSD 16 on be in the group vmm, in a"
                  + " jail have allow.vmm";
          default -> "vmm is there but does not work";
        };
    return new HypervisorUnavailableException("bhyve: %s: %s".formatted(e.getMessage(), remedy), e);
  }

  /** {@return the major version of FreeBSD, as the kernel says} */
  int version() {
    return osRelease / VERSION_UNIT;
  }

  /** {@return one line on what was found} */
  String description() {
    return "FreeBSD %d vmm by %s, kern.osreldate=%d"
        .formatted(version(), device == null ? CREATE : DEVICE, osRelease);
  }

  /**
   * Makes a VM.
   *
   * @throws HostCallException with {@code EEXIST} if there is one of this name
   */
  void create(String name) {
    if (device == null) {
      set(CREATE, name);
      return;
    }
    int flags = createFlags;
    if (flags != 0) {
      try {
        control(device, VmmIoctl.VMMCTL_VM_CREATE, name, flags);
        return;
      } catch (HostCallException e) {
        if (e.errno() != FreeBsdErrno.EINVAL) {
          throw e;
        }
        createFlags = 0; // this kernel has no flags
      }
    }
    control(device, VmmIoctl.VMMCTL_VM_CREATE, name, 0);
  }

  /** Destroys a VM, of whatever process. */
  void destroy(String name) {
    if (device == null) {
      set(DESTROY, name);
    } else {
      control(device, VmmIoctl.VMMCTL_VM_DESTROY, name, 0);
    }
  }

  private static void control(Descriptor device, Ioctl request, String name, int flags) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment argument = arena.allocate(VmmStructs.VMMCTL_VM_CREATE);
      byte[] bytes = name.getBytes(StandardCharsets.US_ASCII);
      MemorySegment.copy(bytes, 0, argument, JAVA_BYTE, 0, bytes.length);
      argument.set(JAVA_INT, Fields.offset(VmmStructs.VMMCTL_VM_CREATE, "reserved"), flags);
      device.ioctl(request, argument, name);
    }
  }

  private void set(String value, String name) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment wanted =
          arena.allocateFrom(JAVA_BYTE, name.getBytes(StandardCharsets.US_ASCII));
      long result =
          host.sysctl(arena.allocateFrom(value), MemorySegment.NULL, MemorySegment.NULL, wanted);
      // The names of new VMs tell nothing.
      String details = value.equals(CREATE) ? value : value + "=" + name;
      Descriptor.check(host, result, "sysctlbyname", details);
    }
  }

  @Override
  public void close() {
    if (device != null) {
      device.close();
    }
  }
}
