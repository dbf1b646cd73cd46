// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import dev.tealight.ffi.posix.FreeBsdErrno;
import dev.tealight.ffi.posix.HostCalls;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * A model of FreeBSD's kernel with vmm, at the boundary of its system calls. It knows the
 * structures from the facts of its version alone, not from the backend, and executes guests on the
 * software CPU. What it does it does as docs/bhyve.md says that a kernel does.
 */
final class VmmModel extends FakeFreeBsd {
  private static final int FIRST_DESCRIPTOR = 1000;

  /** Of the software CPU's counter. */
  static final long TSC_FREQUENCY = 2_000_000_000;

  private static final int PROT_EXEC = 4;
  private static final int PROT_WRITE = 2;
  private static final int MAP_SHARED = 1;
  private static final int ACCESS = 3; // of the flags of open: 0 is for reading
  private static final int CONTROL_NAME = 230;
  private static final long REQUEST_SIZE = 0x1fff;
  private static final int COPIES_IN = 0x80000000;
  private static final int COPIES_OUT = 0x40000000;

  final VmmFacts facts;
  final boolean amd;

  /** What the kernel says that it is; a jail may be told another. */
  int osRelease;

  boolean loaded = true;
  boolean hardware = true;
  boolean root = true;
  boolean invariantTsc = true;

  /** Whether an Intel processor runs guests without paging. */
  boolean unrestricted = true;

  /** Whether it knows any form of VM_RUN. */
  boolean runs = true;

  /** Whether it has the requests of earlier versions. */
  boolean compatible;

  /** Whether it destroys VMs when the control device is closed. */
  boolean destroysOnClose;

  final Map<String, ModelVm> vms = new ConcurrentHashMap<>();
  final Map<Integer, Object> descriptors = new ConcurrentHashMap<>();
  final Map<Long, ModelVm> mappings = new ConcurrentHashMap<>();

  /** Every call that is no freeing one. */
  final List<String> calls = Collections.synchronizedList(new ArrayList<>());

  boolean logging = true;

  /** Makes every run end with the exit that the last one had, at once. */
  boolean repeating;

  private final Set<String> boundToControl = new HashSet<>();
  private final Map<Integer, String> requests = new HashMap<>();
  private final ModelRequests vmRequests;
  private @Nullable HostCalls real;
  private int next = FIRST_DESCRIPTOR;
  private int failing = -1;
  private int failure;
  private boolean failingRuns;
  private int made;

  /** The control device. */
  private record Control() {}

  /** The device of a VM. */
  private record Opened(ModelVm vm, boolean writable) {}

  VmmModel(int version, boolean amd) {
    this.amd = amd;
    facts = VmmFacts.of(version);
    vmRequests = new ModelRequests(facts);
    osRelease = version * 100_000 + 1_000;
    facts
        .facts()
        .values()
        .forEach(
            (name, value) -> {
              if (name.matches("VM_[A-Z0-9_]+|VMMCTL_[A-Z_]+") && (value & 0xe0000000L) != 0) {
                requests.put((int) (long) value, name);
              }
            });
  }

  /** Makes one call fail, counted from 0, that is no freeing one. After a run every other fails. */
  VmmModel failing(int call, int errno) {
    failing = call;
    failure = errno;
    return this;
  }

  BhyveHost host() {
    return new BhyveHost(this, vms::keySet, process -> process == ProcessHandle.current().pid());
  }

  private synchronized boolean fails(String call) {
    if (logging) {
      calls.add(call);
    }
    boolean run = call.startsWith("VM_RUN");
    boolean fails = made++ == failing || (run && failingRuns);
    failingRuns |= fails && run;
    return fails;
  }

  private synchronized HostCalls real() {
    HostCalls known = real;
    if (known == null) {
      known = HostCalls.system();
      real = known;
    }
    return known;
  }

  private synchronized long descriptor(Object of) {
    descriptors.put(next, of);
    return next++;
  }

  private static String string(MemorySegment path) {
    return path.getString(0);
  }

  // Files.

  @Override
  public long open(MemorySegment path, int flags) {
    String name = string(path);
    if (fails("open " + name)) {
      return -failure;
    }
    if (name.equals("/dev/vmmctl")) {
      if (!loaded || !hardware || !facts.has("VMMCTL_VM_CREATE")) {
        return -FreeBsdErrno.ENOENT;
      }
      if (!root) {
        return -FreeBsdErrno.EACCES;
      }
      return (flags & ACCESS) == 0 ? -FreeBsdErrno.EPERM : descriptor(new Control());
    }
    if (name.startsWith("/dev/vmm.io/")) {
      return openSegment(name.substring(12));
    }
    ModelVm vm = name.startsWith("/dev/vmm/") ? vms.get(name.substring(9)) : null;
    if (vm == null) {
      return -FreeBsdErrno.ENOENT;
    }
    return root ? descriptor(new Opened(vm, (flags & ACCESS) != 0)) : -FreeBsdErrno.EACCES;
  }

  /** Of a VM and one of its segments of devices, VM.SEGMENT. */
  private long openSegment(String name) {
    return vms.values().stream()
            .anyMatch(
                vm ->
                    name.startsWith(vm.name + ".")
                        && vm.hasDevice(name.substring(vm.name.length() + 1)))
        ? descriptor(name)
        : -FreeBsdErrno.ENOENT;
  }

  @Override
  public long close(int descriptor) {
    Object of = descriptors.remove(descriptor);
    if (of == null) {
      return real().close(descriptor);
    }
    if (of instanceof Control) {
      boundToControl.forEach(this::destroy);
    }
    return 0;
  }

  @Override
  public long sysctl(
      MemorySegment name, MemorySegment value, MemorySegment byteSize, MemorySegment wanted) {
    String what = string(name);
    if (what.equals("hw.vmm.destroy")) {
      return destroyBySysctl(wanted);
    }
    if (fails("sysctl " + what)) {
      return -failure;
    }
    return switch (what) {
      case "kern.osreldate" -> answer(value, byteSize, 4, osRelease);
      case "machdep.tsc_freq" -> answer(value, byteSize, 8, TSC_FREQUENCY);
      case "kern.timecounter.invariant_tsc" -> answer(value, byteSize, 4, invariantTsc ? 1 : 0);
      case "hw.vmm.create" -> !loaded ? -FreeBsdErrno.ENOENT : createBySysctl(text(wanted));
      default -> -FreeBsdErrno.ENOENT;
    };
  }

  private static long answer(MemorySegment value, MemorySegment byteSize, int size, long number) {
    if (byteSize.get(JAVA_LONG_UNALIGNED, 0) < size) {
      return -FreeBsdErrno.ENOMEM;
    }
    byteSize.set(JAVA_LONG_UNALIGNED, 0, size);
    if (size == 4) {
      value.set(JAVA_INT_UNALIGNED, 0, (int) number);
    } else {
      value.set(JAVA_LONG_UNALIGNED, 0, number);
    }
    return 0;
  }

  private static String text(MemorySegment bytes) {
    return new String(bytes.toArray(JAVA_BYTE), StandardCharsets.US_ASCII).split("\0", 2)[0];
  }

  private long createBySysctl(String name) {
    return root ? create(name, false) : -FreeBsdErrno.EPERM;
  }

  private long destroyBySysctl(MemorySegment wanted) {
    if (!loaded) {
      return -FreeBsdErrno.ENOENT;
    }
    return root ? destroy(text(wanted)) : -FreeBsdErrno.EPERM;
  }

  private long create(String name, boolean bound) {
    if (!hardware) {
      return -FreeBsdErrno.ENXIO;
    }
    if (!name.matches("[A-Za-z0-9._/-]{1,229}") || name.contains("..")) {
      return -FreeBsdErrno.EINVAL;
    }
    if (vms.putIfAbsent(name, new ModelVm(this, name, facts)) != null) {
      return -FreeBsdErrno.EEXIST;
    }
    if (bound) {
      boundToControl.add(name);
    }
    return 0;
  }

  private long destroy(String name) {
    ModelVm vm = vms.remove(name);
    if (vm == null) {
      return -FreeBsdErrno.EINVAL;
    }
    vm.destroy();
    return 0;
  }

  // Memory of the host.

  @Override
  public long mmap(long byteSize, int protection, int flags, int descriptor, long offset) {
    if (fails("mmap")) {
      return -failure;
    }
    if (!(descriptors.get(descriptor) instanceof Opened(ModelVm vm, boolean writable))) {
      return -FreeBsdErrno.EBADF;
    }
    boolean shared = (flags & MAP_SHARED) != 0;
    if ((protection & PROT_WRITE) != 0 && !(shared && writable)) {
      return -FreeBsdErrno.EACCES;
    }
    if ((protection & PROT_EXEC) != 0 || !shared) {
      return -FreeBsdErrno.EINVAL;
    }
    ModelMemory.Mapping mapping = !vm.hasMemory() ? null : vm.memory().at(offset);
    if (mapping == null || !mapping.contains(offset + byteSize - 1)) {
      return -FreeBsdErrno.ENOENT;
    }
    if (mapping.segment() != facts.number("VM_SYSMEM")) {
      return -FreeBsdErrno.EINVAL;
    }
    long address = vm.memory().hostAddress(mapping.offset() + offset - mapping.gpa());
    mappings.put(address, vm);
    vm.mapped();
    return address;
  }

  @Override
  public long munmap(long address, long byteSize) {
    ModelVm vm = mappings.remove(address);
    if (vm == null) {
      return -FreeBsdErrno.EINVAL;
    }
    vm.unmapped();
    return 0;
  }

  @Override
  public long minherit(long address, long byteSize, int inheritance) {
    return fails("minherit") ? -failure : 0;
  }

  // Device requests.

  @Override
  public long ioctl(int descriptor, int request, MemorySegment argument) {
    return ioctl(descriptor, request, argument.address());
  }

  @Override
  public long ioctl(int descriptor, int request, long argument) {
    String name = requests.get(request);
    Object of = descriptors.get(descriptor);
    if (of == null) {
      return -FreeBsdErrno.EBADF;
    }
    boolean freeing = "VMMCTL_VM_DESTROY".equals(name) || "VM_SUSPEND".equals(name);
    if (!freeing && fails(name == null ? "0x%x".formatted(request) : name)) {
      return -failure;
    }
    if (name == null
        || (name.startsWith("VM_RUN") && !runs)
        || (!compatible && name.matches(".*_1[234]"))) {
      return -FreeBsdErrno.ENOTTY;
    }
    long size = request >>> 16 & REQUEST_SIZE;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment copy = arena.allocate(Math.max(size, 1), 8);
      MemorySegment original = memory(argument, size);
      if ((request & COPIES_IN) != 0) {
        copy.copyFrom(original);
      }
      long result =
          of instanceof Opened(ModelVm vm, boolean _)
              ? onVm(vm, name, copy)
              : onControl(name, copy);
      if ((request & COPIES_OUT) != 0 && result >= 0) {
        original.copyFrom(copy.asSlice(0, size));
      }
      return result;
    }
  }

  @Override
  public long hotIoctl(int descriptor, int request, long argument) {
    return repeating ? 0 : ioctl(descriptor, request, argument);
  }

  @SuppressWarnings("restricted")
  static MemorySegment memory(long address, long byteSize) {
    // SAFETY: as for a kernel, what a request points to is the caller's and as big as it says.
    return MemorySegment.ofAddress(address).reinterpret(byteSize);
  }

  private long onControl(String request, MemorySegment argument) {
    int flags = facts.getInt(argument, "vmmctl_vm_create.reserved");
    for (long at = facts.value("vmmctl_vm_create.reserved") + 4;
        at < argument.byteSize();
        at += 4) {
      if (argument.get(JAVA_INT_UNALIGNED, at) != 0) {
        return -FreeBsdErrno.EINVAL;
      }
    }
    if (flags != 0 && !(destroysOnClose && flags == 1)) {
      return -FreeBsdErrno.EINVAL;
    }
    String name = text(argument.asSlice(0, CONTROL_NAME));
    if (name.length() == CONTROL_NAME) {
      name = name.substring(0, CONTROL_NAME - 1); // cut, not refused
    }
    return switch (request) {
      case "VMMCTL_VM_CREATE" -> create(name, flags == 1);
      case "VMMCTL_VM_DESTROY" -> destroy(name);
      default -> -FreeBsdErrno.ENOTTY;
    };
  }

  private long onVm(ModelVm vm, String request, MemorySegment argument) {
    if (vm.destroyed) {
      // Another VM of this name has other minor numbers.
      ModelVm now = vms.getOrDefault(vm.name, vm);
      return now.equals(vm) ? -FreeBsdErrno.ENXIO : -FreeBsdErrno.ENOTTY;
    }
    return vmRequests.onVm(vm, request, argument);
  }

  // What waiting takes is the host's.

  @Override
  public long eventfd() {
    return fails("eventfd") ? -failure : real().eventfd();
  }

  @Override
  public long read(int descriptor, MemorySegment buffer) {
    return real().read(descriptor, buffer);
  }

  @Override
  public long write(int descriptor, MemorySegment buffer) {
    return real().write(descriptor, buffer);
  }

  @Override
  public long ppoll(MemorySegment pollfds, int count, MemorySegment timeout) {
    return real().ppoll(pollfds, count, timeout);
  }

  @Override
  public long setTimerSlack(long nanos) {
    return real().setTimerSlack(nanos);
  }

  @Override
  public int tryAgain() {
    return real().tryAgain();
  }
}
