// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.GuestMemory;
import dev.tealight.X86CpuState;
import dev.tealight.X86Register;
import dev.tealight.X86Segment;
import dev.tealight.ffi.posix.Mapping;
import dev.tealight.testkit.X86LongMode;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** Calls to a kernel made by hand, with bytes laid out as the headers say: no backend. */
final class RawVm implements AutoCloseable {
  static final String NAME = "rows";
  static final long MEMORY = 1 << 20;

  private static final long IDT = 0x6000;
  private static final int READ_WRITE = 2;
  private static final int PROTECTION = 3;
  private static final int SHARED = 1;

  private static final Map<X86Segment.Name, Integer> SEGMENTS =
      Map.of(
          X86Segment.Name.ES, 22,
          X86Segment.Name.CS, 23,
          X86Segment.Name.SS, 24,
          X86Segment.Name.DS, 25,
          X86Segment.Name.FS, 26,
          X86Segment.Name.GS, 27,
          X86Segment.Name.LDTR, 28,
          X86Segment.Name.TR, 29);

  final VmmModel kernel;
  final VmmFacts facts;
  final Arena arena = Arena.ofShared();
  final MemorySegment exit;
  int descriptor;

  /** Which vCPU requests are for. */
  int cpu;

  private @Nullable GuestMemory memory;

  RawVm(VmmModel kernel) {
    this.kernel = kernel;
    facts = kernel.facts;
    exit = arena.allocate(facts.value("sizeof vm_exit"), 8);
  }

  long open(String path, int flags) {
    return kernel.open(arena.allocateFrom(path), flags);
  }

  long createBySysctl(String name) {
    return sysctl("hw.vmm.create", name);
  }

  long destroyBySysctl(String name) {
    return sysctl("hw.vmm.destroy", name);
  }

  private long sysctl(String what, String name) {
    MemorySegment wanted = arena.allocateFrom(JAVA_BYTE, name.getBytes(StandardCharsets.US_ASCII));
    return kernel.sysctl(arena.allocateFrom(what), MemorySegment.NULL, MemorySegment.NULL, wanted);
  }

  long control(int control, String request, String name, int reserved) {
    MemorySegment argument = arena.allocate(296, 8);
    MemorySegment.copy(
        name.getBytes(StandardCharsets.US_ASCII), 0, argument, JAVA_BYTE, 0, name.length());
    argument.set(JAVA_INT_UNALIGNED, 232 + 4 * 15, reserved);
    return kernel.ioctl(control, facts.number(request), argument);
  }

  /** A VM of 1 MiB, mapped for everything, with a vCPU that is not active. */
  RawVm create() {
    check(createBySysctl(NAME));
    descriptor = (int) check(open("/dev/vmm/" + NAME, READ_WRITE));
    check(allocate(0, MEMORY));
    check(map(0, MEMORY, 0, 7, 0));
    long address = check(kernel.mmap(MEMORY, PROTECTION, SHARED, descriptor, 0));
    memory = GuestMemory.over(Mapping.view(address, MEMORY));
    return this;
  }

  private static long check(long result) {
    if (result < 0) {
      throw new AssertionError("errno " + -result);
    }
    return result;
  }

  GuestMemory memory() {
    return Objects.requireNonNull(memory, "create() comes first");
  }

  /** Makes a request with a structure of int fields and long fields by offset. */
  MemorySegment argument(String request) {
    MemorySegment argument = arena.allocate(Math.max(facts.number(request) >>> 16 & 0x1fff, 8), 8);
    argument.set(JAVA_INT_UNALIGNED, 0, cpu);
    return argument;
  }

  long ioctl(String request, MemorySegment argument) {
    return kernel.ioctl(descriptor, facts.number(request), argument);
  }

  /** A request that takes one int. */
  long ioctl(String request, int value) {
    return ioctl(request, arena.allocateFrom(JAVA_INT_UNALIGNED, value));
  }

  long allocate(int segment, long byteSize) {
    MemorySegment argument = argument("VM_ALLOC_MEMSEG");
    facts.putInt(argument, "vm_memseg.segid", segment);
    facts.putLong(argument, "vm_memseg.len", byteSize);
    return ioctl("VM_ALLOC_MEMSEG", argument);
  }

  long allocate(int segment, long byteSize, String name) {
    MemorySegment argument = argument("VM_ALLOC_MEMSEG");
    facts.putInt(argument, "vm_memseg.segid", segment);
    facts.putLong(argument, "vm_memseg.len", byteSize);
    byte[] bytes = name.getBytes(StandardCharsets.US_ASCII);
    MemorySegment.copy(bytes, 0, argument, JAVA_BYTE, facts.value("vm_memseg.name"), bytes.length);
    return ioctl("VM_ALLOC_MEMSEG", argument);
  }

  /** {@return bytes of a segment, or a negated errno} */
  long segment(int number) {
    MemorySegment argument = argument("VM_GET_MEMSEG");
    facts.putInt(argument, "vm_memseg.segid", number);
    long result = ioctl("VM_GET_MEMSEG", argument);
    return result < 0 ? result : facts.getLong(argument, "vm_memseg.len");
  }

  /** {@return where the next mapping is, or a negated errno} */
  long next(long gpa) {
    MemorySegment argument = argument("VM_MMAP_GETNEXT");
    facts.putLong(argument, "vm_memmap.gpa", gpa);
    long result = ioctl("VM_MMAP_GETNEXT", argument);
    return result < 0 ? result : facts.getLong(argument, "vm_memmap.gpa");
  }

  long map(long gpa, long byteSize, long offset, int prot, int flags) {
    return map(0, gpa, byteSize, offset, prot, flags);
  }

  long map(int segment, long gpa, long byteSize, long offset, int prot, int flags) {
    MemorySegment argument = argument("VM_MMAP_MEMSEG");
    facts.putLong(argument, "vm_memmap.gpa", gpa);
    facts.putInt(argument, "vm_memmap.segid", segment);
    facts.putLong(argument, "vm_memmap.segoff", offset);
    facts.putLong(argument, "vm_memmap.len", byteSize);
    facts.putInt(argument, "vm_memmap.prot", prot);
    facts.putInt(argument, "vm_memmap.flags", flags);
    return ioctl("VM_MMAP_MEMSEG", argument);
  }

  long unmap(long gpa, long byteSize) {
    MemorySegment argument = argument("VM_MUNMAP_MEMSEG");
    facts.putLong(argument, "vm_munmap.gpa", gpa);
    facts.putLong(argument, "vm_munmap.len", byteSize);
    return ioctl("VM_MUNMAP_MEMSEG", argument);
  }

  long set(int number, long value) {
    MemorySegment argument = argument("VM_SET_REGISTER");
    facts.putInt(argument, "vm_register.regnum", number);
    facts.putLong(argument, "vm_register.regval", value);
    return ioctl("VM_SET_REGISTER", argument);
  }

  /** {@return the value, of a call that must succeed} */
  long get(int number) {
    MemorySegment argument = argument("VM_GET_REGISTER");
    facts.putInt(argument, "vm_register.regnum", number);
    check(ioctl("VM_GET_REGISTER", argument));
    return facts.getLong(argument, "vm_register.regval");
  }

  long getError(int number) {
    MemorySegment argument = argument("VM_GET_REGISTER");
    facts.putInt(argument, "vm_register.regnum", number);
    return ioctl("VM_GET_REGISTER", argument);
  }

  long capability(boolean set, int type, int value) {
    String request = set ? "VM_SET_CAPABILITY" : "VM_GET_CAPABILITY";
    MemorySegment argument = argument(request);
    facts.putInt(argument, "vm_capability.captype", type);
    facts.putInt(argument, "vm_capability.capval", value);
    long result = ioctl(request, argument);
    return result < 0 || set ? result : facts.getInt(argument, "vm_capability.capval");
  }

  long inject(int vector) {
    return inject(vector, 0, false, false);
  }

  long inject(int vector, int code, boolean hasCode, boolean restart) {
    MemorySegment argument = argument("VM_INJECT_EXCEPTION");
    facts.putInt(argument, "vm_exception.vector", vector);
    facts.putInt(argument, "vm_exception.error_code", code);
    facts.putInt(argument, "vm_exception.error_code_valid", hasCode ? 1 : 0);
    facts.putInt(argument, "vm_exception.restart_instruction", restart ? 1 : 0);
    return ioctl("VM_INJECT_EXCEPTION", argument);
  }

  /** Gives the guest a handler that is behind its code, in an interrupt gate. */
  void handle(int vector, String hex) {
    long handler = X86LongMode.CODE + 0x1000;
    byte[] code = HexFormat.of().parseHex(hex);
    MemorySegment.copy(code, 0, memory().unrestricted(), JAVA_BYTE, handler, code.length);
    memory()
        .writeLong(
            IDT + 16L * vector,
            0x8e00_0008_0000L | (handler & 0xffff) | (handler & 0xffff_0000L) << 32);
    memory().writeLong(IDT + 16L * vector + 8, 0);
    table(30, IDT, 0xfff);
  }

  private void table(int number, long base, int limit) {
    MemorySegment argument = argument("VM_SET_SEGMENT_DESCRIPTOR");
    facts.putInt(argument, "vm_seg_desc.regnum", number);
    MemorySegment bytes = argument.asSlice(facts.value("vm_seg_desc.desc"));
    facts.putLong(bytes, "seg_desc.base", base);
    facts.putInt(bytes, "seg_desc.limit", limit);
    check(ioctl("VM_SET_SEGMENT_DESCRIPTOR", argument));
  }

  /** Sets what a segment register leads to. */
  void segment(int number, long base, int limit, int access) {
    MemorySegment argument = argument("VM_SET_SEGMENT_DESCRIPTOR");
    facts.putInt(argument, "vm_seg_desc.regnum", number);
    MemorySegment bytes = argument.asSlice(facts.value("vm_seg_desc.desc"));
    facts.putLong(bytes, "seg_desc.base", base);
    facts.putInt(bytes, "seg_desc.limit", limit);
    facts.putInt(bytes, "seg_desc.access", access);
    check(ioctl("VM_SET_SEGMENT_DESCRIPTOR", argument));
  }

  /** {@return a set of vCPUs, or a negated errno} */
  long cpus(int which, int byteSize) {
    MemorySegment argument = argument("VM_GET_CPUS");
    MemorySegment set = arena.allocate(256, 8);
    facts.putInt(argument, "vm_cpuset.which", which);
    facts.putInt(argument, "vm_cpuset.cpusetsize", byteSize);
    facts.putLong(argument, "vm_cpuset.cpus", set.address());
    long result = ioctl("VM_GET_CPUS", argument);
    return result < 0 ? result : set.get(JAVA_LONG_UNALIGNED, 0);
  }

  /** {@return 0 or a negated errno} */
  long counters(int index) {
    MemorySegment argument = argument("VM_STATS");
    if (facts.has("vm_stats.index")) {
      facts.putInt(argument, "vm_stats.index", index);
    }
    return ioctl("VM_STATS", argument);
  }

  MemorySegment topology(int sockets, int cores, int threads) {
    MemorySegment argument = argument("VM_SET_TOPOLOGY");
    short[] counts = {(short) sockets, (short) cores, (short) threads, 0};
    MemorySegment.copy(counts, 0, argument, JAVA_SHORT, 0, counts.length);
    return argument;
  }

  /** {@return what the access rights of a segment read as that were written so} */
  int descriptor(int number, int access) {
    MemorySegment argument = argument("VM_SET_SEGMENT_DESCRIPTOR");
    facts.putInt(argument, "vm_seg_desc.regnum", number);
    MemorySegment bytes = argument.asSlice(facts.value("vm_seg_desc.desc"));
    facts.putInt(bytes, "seg_desc.access", access);
    check(ioctl("VM_SET_SEGMENT_DESCRIPTOR", argument));
    check(ioctl("VM_GET_SEGMENT_DESCRIPTOR", argument));
    return facts.getInt(bytes, "seg_desc.access");
  }

  ModelVcpu vcpu() {
    return Objects.requireNonNull(Objects.requireNonNull(kernel.vms.get(NAME)).vcpu(cpu));
  }

  /** A run on a thread of its own, up to an exit that means something. */
  final class Running {
    private final MemorySegment own = arena.allocate(exit.byteSize(), 8);
    private final CompletableFuture<Long> result = new CompletableFuture<>();

    /** Exits that asked for the vCPU. */
    int requests;

    /** Starts to run the vCPU that is chosen. */
    Running() {
      int number = cpu;
      Thread.ofPlatform().daemon().start(() -> run(number));
    }

    private void run(int number) {
      try {
        while (true) {
          long each = RawVm.this.run(number, own);
          int code = facts.getInt(own, "vm_exit.exitcode");
          if (each >= 0 && code == facts.number("VM_EXITCODE_REQIDLE")) {
            requests++;
          } else if (each < 0 || code != facts.number("VM_EXITCODE_BOGUS")) {
            result.complete(each < 0 ? each : code);
            return;
          }
        }
      } catch (RuntimeException | Error e) {
        result.completeExceptionally(e);
      }
    }

    /** {@return the exit code or a negated errno} */
    long code() {
      return result.orTimeout(60, TimeUnit.SECONDS).join();
    }

    boolean isOver() {
      return result.isDone();
    }

    int exitInt(String field) {
      return facts.getInt(own, "vm_exit." + field);
    }
  }

  /** Waits for what another thread does. */
  static void await(BooleanSupplier condition) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("it did not come").isLessThan(deadline);
      Thread.onSpinWait();
    }
  }

  /** Loads code and sets the registers to run it in 64-bit mode. */
  X86CpuState load(String hex) {
    X86CpuState state = X86LongMode.load(memory(), HexFormat.of().parseHex(hex));
    for (Map.Entry<X86Segment.Name, Integer> each : SEGMENTS.entrySet()) {
      X86Segment segment = state.segment(each.getKey());
      check(set(each.getValue(), segment.selector()));
      MemorySegment argument = argument("VM_SET_SEGMENT_DESCRIPTOR");
      facts.putInt(argument, "vm_seg_desc.regnum", each.getValue());
      MemorySegment bytes = argument.asSlice(facts.value("vm_seg_desc.desc"));
      facts.putLong(bytes, "seg_desc.base", segment.base());
      facts.putInt(bytes, "seg_desc.limit", segment.limit());
      facts.putInt(bytes, "seg_desc.access", segment.attributes());
      check(ioctl("VM_SET_SEGMENT_DESCRIPTOR", argument));
    }
    table(31, state.get(X86Register.GDT_BASE), (int) state.get(X86Register.GDT_LIMIT));
    check(set(15, state.get(X86Register.CR0)));
    check(set(16, state.get(X86Register.CR3)));
    check(set(17, state.get(X86Register.CR4)));
    check(set(32, state.get(X86Register.EFER)));
    check(set(20, state.get(X86Register.RIP)));
    check(set(21, state.get(X86Register.RFLAGS)));
    check(set(19, state.get(X86Register.RSP)));
    return state;
  }

  long run() {
    return run(cpu, exit);
  }

  /** With an exit that the kernel cannot reach. */
  long runWithBadPointer() {
    return run(cpu, MemorySegment.ofAddress(16));
  }

  long run(int number, MemorySegment into) {
    MemorySegment argument = argument("VM_RUN");
    facts.putInt(argument, "vm_run.cpuid", number);
    if (facts.has("vm_run.cpuset")) {
      facts.putLong(argument, "vm_run.vm_exit", into.address());
      byte[] before = argument.toArray(JAVA_BYTE);
      long result = ioctl("VM_RUN", argument);
      assertThat(argument.toArray(JAVA_BYTE)).as("nothing is copied out").isEqualTo(before);
      return result;
    }
    long at = facts.value("vm_run.vm_exit");
    MemorySegment.copy(into, 0, argument, at, into.byteSize());
    long result = ioctl("VM_RUN", argument);
    MemorySegment.copy(argument, at, into, 0, into.byteSize());
    return result;
  }

  /** {@return the exit code of a run that must succeed, but for those that mean nothing} */
  int exitCode() {
    int bogus = 0;
    do {
      check(run());
      assertThat(bogus++).as("exits that mean nothing").isLessThan(500);
    } while (facts.getInt(exit, "vm_exit.exitcode") == facts.number("VM_EXITCODE_BOGUS"));
    return facts.getInt(exit, "vm_exit.exitcode");
  }

  int exitInt(String field) {
    return facts.getInt(exit, "vm_exit." + field);
  }

  long exitLong(String field) {
    return exit.get(JAVA_LONG_UNALIGNED, facts.value("vm_exit." + field));
  }

  @Override
  public void close() {
    kernel.mappings.keySet().forEach(address -> kernel.munmap(address, MEMORY));
    kernel.vms.keySet().forEach(this::destroyBySysctl);
    arena.close();
  }
}
