// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import dev.tealight.ffi.posix.FreeBsdErrno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/** The requests of the model on the device of a VM, read by the offsets of the headers. */
final class ModelRequests {
  private static final long PAGE = 4096;
  private static final long MOST_ADDRESSES = 1L << 47;
  private static final int SEGMENT_NAME = 16;
  private static final int WIRED = 1;

  /** What a kernel of 15.1 counts. */
  private static final int COUNTERS = 43;

  private final VmmFacts facts;

  ModelRequests(VmmFacts facts) {
    this.facts = facts;
  }

  /** {@return 0 or a negated errno} */
  long onVm(ModelVm vm, String request, MemorySegment argument) {
    return switch (request) {
      case "VM_ALLOC_MEMSEG" -> allocate(vm, "vm_memseg", argument, 0);
      case "VM_ALLOC_MEMSEG_14" -> allocate(vm, "vm_memseg_14", argument, domains());
      case "VM_GET_MEMSEG" -> segment(vm, "vm_memseg", argument, 0);
      case "VM_GET_MEMSEG_14" -> segment(vm, "vm_memseg_14", argument, domains());
      case "VM_MMAP_MEMSEG" -> vm.whileAllIdle(() -> map(vm, argument));
      case "VM_MUNMAP_MEMSEG" -> vm.whileAllIdle(() -> unmap(vm, argument));
      case "VM_MMAP_GETNEXT" -> next(vm, argument);
      case "VM_SUSPEND" -> vm.suspend(facts.getInt(argument, "vm_suspend.how"));
      case "VM_REINIT" -> vm.reset();
      case "VM_GET_CPUS" -> cpus(vm, argument);
      case "VM_STAT_DESC" -> counterName(argument);
      case "VM_SET_TOPOLOGY" -> topology(argument);
      case "VM_ISA_ASSERT_IRQ",
          "VM_ISA_DEASSERT_IRQ",
          "VM_ISA_PULSE_IRQ",
          "VM_ISA_SET_IRQ_TRIGGER",
          "VM_RTC_SETTIME",
          "VM_RTC_GETTIME" ->
          vm.chips.request(facts, request, argument);
      default -> onVcpu(vm, request, argument);
    };
  }

  // Memory.

  /** What is added to the number of a segment of devices that was given in the older form. */
  private int domains() {
    return facts.number("VM_BOOTROM") - 1;
  }

  private int segmentNumber(String struct, MemorySegment argument, int more) {
    int number = facts.getInt(argument, struct + ".segid");
    return number == facts.number("VM_SYSMEM") ? number : number + more;
  }

  private long allocate(ModelVm vm, String struct, MemorySegment argument, int more) {
    byte[] name = argument.asSlice(facts.value(struct + ".name"), SEGMENT_NAME).toArray(JAVA_BYTE);
    int length = 0;
    while (length < name.length && name[length] != 0) {
      length++;
    }
    if (length == name.length) {
      return -facts.number("ENAMETOOLONG");
    }
    return vm.allocate(
        segmentNumber(struct, argument, more),
        facts.getLong(argument, struct + ".len"),
        new String(name, 0, length, StandardCharsets.US_ASCII));
  }

  private long segment(ModelVm vm, String struct, MemorySegment argument, int more) {
    ModelVm.Segment segment = vm.segment(segmentNumber(struct, argument, more));
    if (segment == null) {
      return -FreeBsdErrno.EINVAL;
    }
    facts.putLong(argument, struct + ".len", segment.byteSize());
    byte[] name = segment.name().getBytes(StandardCharsets.US_ASCII);
    MemorySegment room = argument.asSlice(facts.value(struct + ".name"), SEGMENT_NAME);
    room.fill((byte) 0);
    MemorySegment.copy(name, 0, room, JAVA_BYTE, 0, name.length);
    return 0;
  }

  private long map(ModelVm vm, MemorySegment argument) {
    int number = facts.getInt(argument, "vm_memmap.segid");
    ModelMemory.Mapping mapping =
        new ModelMemory.Mapping(
            facts.getLong(argument, "vm_memmap.gpa"),
            number,
            facts.getLong(argument, "vm_memmap.segoff"),
            facts.getLong(argument, "vm_memmap.len"),
            facts.getInt(argument, "vm_memmap.prot"));
    int prot = mapping.prot();
    int flags = facts.getInt(argument, "vm_memmap.flags");
    ModelVm.Segment segment = vm.segment(number);
    boolean pages =
        ModelMemory.isPage(mapping.gpa())
            && ModelMemory.isPage(mapping.offset())
            && ModelMemory.isPage(mapping.byteSize());
    if (segment == null || segment.byteSize() == 0 || !pages) {
      return -FreeBsdErrno.EINVAL;
    }
    long end = mapping.offset() + mapping.byteSize();
    boolean inside = mapping.byteSize() > 0 && mapping.offset() >= 0 && end <= segment.byteSize();
    if (!inside || prot <= 0 || prot > 7 || (flags & ~WIRED) != 0) {
      return -FreeBsdErrno.EINVAL;
    }
    ModelMemory memory = vm.memory();
    if (memory.count() == facts.number("VM_MAX_MEMMAPS")) {
      return -FreeBsdErrno.ENOSPC;
    }
    boolean beyond = Long.compareUnsigned(mapping.gpa(), MOST_ADDRESSES) >= 0;
    if (beyond || memory.overlaps(mapping.gpa(), mapping.byteSize())) {
      return -FreeBsdErrno.ENOMEM;
    }
    memory.map(mapping);
    return 0;
  }

  private long unmap(ModelVm vm, MemorySegment argument) {
    boolean done =
        vm.memory()
            .unmap(
                facts.getLong(argument, "vm_munmap.gpa"), facts.getLong(argument, "vm_munmap.len"));
    return done ? 0 : -FreeBsdErrno.EINVAL;
  }

  private long next(ModelVm vm, MemorySegment argument) {
    ModelMemory.Mapping next = vm.memory().next(facts.getLong(argument, "vm_memmap.gpa"));
    if (next == null) {
      return -FreeBsdErrno.ENOENT;
    }
    facts.putLong(argument, "vm_memmap.gpa", next.gpa());
    facts.putInt(argument, "vm_memmap.segid", next.segment());
    facts.putLong(argument, "vm_memmap.segoff", next.offset());
    facts.putLong(argument, "vm_memmap.len", next.byteSize());
    facts.putInt(argument, "vm_memmap.prot", next.prot());
    facts.putInt(argument, "vm_memmap.flags", 0);
    return 0;
  }

  // All vCPUs.

  private long cpus(ModelVm vm, MemorySegment argument) {
    int which = facts.getInt(argument, "vm_cpuset.which");
    if (which < 0 || which > facts.number("VM_DEBUG_CPUS")) {
      return -FreeBsdErrno.EINVAL;
    }
    long bits =
        vm.set(
            vcpu ->
                switch (which) {
                  case 0 -> vcpu.active;
                  case 1 -> vcpu.sawSuspension;
                  default -> vcpu.marked;
                });
    int size = facts.getInt(argument, "vm_cpuset.cpusetsize");
    int most = facts.number("sizeof_cpuset_t");
    int least = facts.version() < 15 ? most : bits >>> 8 == 0 ? 1 : 2; // it has 16 vCPUs at most
    if (size < least || size > most) {
      return -facts.number("ERANGE");
    }
    MemorySegment set = VmmModel.memory(facts.getLong(argument, "vm_cpuset.cpus"), size);
    set.fill((byte) 0);
    for (int i = 0; i < Math.min(size, Long.BYTES); i++) {
      set.set(JAVA_BYTE, i, (byte) (bits >>> (8 * i)));
    }
    return 0;
  }

  private long counterName(MemorySegment argument) {
    int index = facts.getInt(argument, "vm_stat_desc.index");
    if (index < 0 || index >= COUNTERS) {
      return -FreeBsdErrno.EINVAL;
    }
    argument.asSlice(facts.value("vm_stat_desc.desc")).setString(0, "counter " + index);
    return 0;
  }

  private long topology(MemorySegment argument) {
    int vcpus = 1;
    for (String each : new String[] {"sockets", "cores", "threads"}) {
      long at = facts.value("vm_cpu_topology." + each);
      vcpus *= argument.get(JAVA_SHORT_UNALIGNED, at) & 0xffff;
    }
    return vcpus <= ModelVm.MAX_VCPUS ? 0 : -FreeBsdErrno.EINVAL;
  }

  // One vCPU.

  private long onVcpu(ModelVm vm, String request, MemorySegment argument) {
    int number = argument.byteSize() < 4 ? -1 : argument.get(JAVA_INT_UNALIGNED, 0);
    if (request.equals("VM_SUSPEND_CPU") || request.equals("VM_RESUME_CPU")) {
      return vm.mark(number, request.equals("VM_SUSPEND_CPU"));
    }
    ModelVcpu vcpu = vm.vcpu(number);
    if (vcpu == null) {
      return -FreeBsdErrno.EINVAL;
    }
    return switch (request) {
      case "VM_RUN" ->
          facts.has("vm_run.cpuset")
              ? runBehindPointer(vcpu, facts.getLong(argument, "vm_run.vm_exit"))
              : vcpu.run(argument.asSlice(facts.value("vm_run.vm_exit"), exitByteSize()));
      case "VM_RUN_13" ->
          vcpu.run(argument.asSlice(facts.value("vm_run_13.vm_exit"), exitByteSize()));
      case "VM_ACTIVATE_CPU" -> vm.activate(vcpu);
      case "VM_STATS", "VM_STATS_13", "VM_INJECT_NMI" ->
          facts.version() < 15
              ? onIdleVcpu(vm, vcpu, request, argument)
              : vm.whileIdle(vcpu, () -> onIdleVcpu(vm, vcpu, request, argument));
      default -> vm.whileIdle(vcpu, () -> onIdleVcpu(vm, vcpu, request, argument));
    };
  }

  /** What the guest does is done, even if nobody can be told. */
  private long runBehindPointer(ModelVcpu vcpu, long exit) {
    try (Arena arena = Arena.ofConfined()) {
      boolean bad = exit >= 0 && exit < PAGE;
      long result =
          vcpu.run(bad ? arena.allocate(exitByteSize(), 8) : VmmModel.memory(exit, exitByteSize()));
      return bad && result >= 0 ? -FreeBsdErrno.EFAULT : result;
    }
  }

  private long exitByteSize() {
    return facts.value("sizeof vm_exit");
  }

  private long onIdleVcpu(ModelVm vm, ModelVcpu vcpu, String request, MemorySegment argument) {
    return switch (request) {
      case "VM_SET_CAPABILITY" -> capability(vcpu, argument, true);
      case "VM_GET_CAPABILITY" -> capability(vcpu, argument, false);
      case "VM_SET_REGISTER" -> {
        long value = facts.getLong(argument, "vm_register.regval");
        yield valid(vcpu.set(facts.getInt(argument, "vm_register.regnum"), value));
      }
      case "VM_GET_REGISTER" -> {
        Long value = vcpu.get(facts.getInt(argument, "vm_register.regnum"));
        if (value != null) {
          facts.putLong(argument, "vm_register.regval", value);
        }
        yield valid(value != null);
      }
      case "VM_SET_REGISTER_SET", "VM_GET_REGISTER_SET" -> registers(vcpu, request, argument);
      case "VM_SET_SEGMENT_DESCRIPTOR" ->
          valid(vcpu.setDescriptor(facts.getInt(argument, "vm_seg_desc.regnum"), argument));
      case "VM_GET_SEGMENT_DESCRIPTOR" ->
          valid(vcpu.getDescriptor(facts.getInt(argument, "vm_seg_desc.regnum"), argument));
      case "VM_RESTART_INSTRUCTION" -> {
        vcpu.restart();
        yield 0;
      }
      case "VM_INJECT_EXCEPTION" -> vcpu.inject(argument);
      case "VM_INJECT_NMI" -> {
        vcpu.injectNmi();
        yield 0;
      }
      case "VM_GLA2GPA_NOFAULT" -> vm.memory().translate(facts, argument);
      case "VM_STATS" -> counters("vm_stats", argument);
      case "VM_STATS_13" -> counters("vm_stats_13", argument);
      default -> -FreeBsdErrno.ENOTTY;
    };
  }

  private static long valid(boolean was) {
    return was ? 0 : -FreeBsdErrno.EINVAL;
  }

  private long capability(ModelVcpu vcpu, MemorySegment argument, boolean set) {
    int type = facts.getInt(argument, "vm_capability.captype");
    if (set) {
      return vcpu.setCapability(type, facts.getInt(argument, "vm_capability.capval"));
    }
    int value = vcpu.capabilities.get(type);
    if (value >= 0) {
      facts.putInt(argument, "vm_capability.capval", value);
    }
    return Math.min(value, 0);
  }

  private long registers(ModelVcpu vcpu, String request, MemorySegment argument) {
    int count = facts.getInt(argument, "vm_register_set.count");
    if (count < 0 || count > facts.number("VM_REG_LAST")) {
      return -FreeBsdErrno.EINVAL;
    }
    MemorySegment numbers =
        VmmModel.memory(facts.getLong(argument, "vm_register_set.regnums"), 4L * count);
    MemorySegment values =
        VmmModel.memory(facts.getLong(argument, "vm_register_set.regvals"), 8L * count);
    for (int i = 0; i < count; i++) {
      int number = numbers.get(JAVA_INT_UNALIGNED, 4L * i);
      if (request.equals("VM_SET_REGISTER_SET")) {
        if (!vcpu.set(number, values.get(JAVA_LONG_UNALIGNED, 8L * i))) {
          return -FreeBsdErrno.EINVAL;
        }
      } else {
        Long value = vcpu.get(number);
        if (value == null) {
          return -FreeBsdErrno.EINVAL;
        }
        values.set(JAVA_LONG_UNALIGNED, 8L * i, value);
      }
    }
    return 0;
  }

  /** All 0: the model counts nothing. */
  private long counters(String struct, MemorySegment argument) {
    boolean indexed = facts.has(struct + ".index");
    int index = indexed ? facts.getInt(argument, struct + ".index") : 0;
    if (index < 0) {
      return -FreeBsdErrno.EINVAL;
    }
    if (index > COUNTERS) {
      return -FreeBsdErrno.ENOENT;
    }
    int count = Math.min(COUNTERS - index, facts.number("MAX_VM_STATS"));
    facts.putInt(argument, struct + ".num_entries", count);
    argument.asSlice(facts.value(struct + ".statbuf"), 8L * count).fill((byte) 0);
    return 0;
  }
}
