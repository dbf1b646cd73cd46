// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static java.lang.foreign.MemoryLayout.structLayout;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.tealight.X86CpuState;
import dev.tealight.X86Register;
import dev.tealight.X86Segment;
import dev.tealight.ffi.posix.Descriptor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.util.EnumMap;
import java.util.Map;

/** The registers of one vCPU. Used by the vCPU thread, while the vCPU does not run. */
final class VmmRegisters {
  static final StructLayout ONE =
      structLayout(
              JAVA_INT.withName("cpuid"), JAVA_INT.withName("regnum"), JAVA_LONG.withName("regval"))
          .withName("vm_register");

  static final StructLayout SET =
      structLayout(
              JAVA_INT.withName("cpuid"),
              JAVA_INT.withName("count"),
              JAVA_LONG.withName("regnums"),
              JAVA_LONG.withName("regvals"))
          .withName("vm_register_set");

  static final StructLayout DESCRIPTOR =
      structLayout(
              JAVA_LONG.withName("base"), JAVA_INT.withName("limit"), JAVA_INT.withName("access"))
          .withName("seg_desc");

  static final StructLayout SEGMENT =
      structLayout(
              JAVA_INT.withName("cpuid"), JAVA_INT.withName("regnum"), DESCRIPTOR.withName("desc"))
          .withName("vm_seg_desc");

  /** Bit of CR0: paging is on. */
  static final long CR0_PAGING = 1L << 31;

  static final int RAX = 0;
  static final int RBX = 1;
  static final int RCX = 2;
  static final int RDX = 3;
  static final int RSI = 4;
  static final int RDI = 5;
  static final int RBP = 6;
  static final int R8 = 7;
  static final int R9 = 8;
  static final int R10 = 9;
  static final int R11 = 10;
  static final int R12 = 11;
  static final int R13 = 12;
  static final int R14 = 13;
  static final int R15 = 14;
  static final int CR0 = 15;
  static final int CR3 = 16;
  static final int CR4 = 17;
  static final int RSP = 19;
  static final int RIP = 20;
  static final int RFLAGS = 21;
  static final int ES = 22;
  static final int CS = 23;
  static final int SS = 24;
  static final int DS = 25;
  static final int FS = 26;
  static final int GS = 27;
  static final int LDTR = 28;
  static final int TR = 29;
  static final int IDTR = 30;
  static final int GDTR = 31;
  static final int EFER = 32;
  static final int CR2 = 33;

  /** The kernel sets it for itself on AMD. */
  static final long EFER_SVME = 1L << 12;

  /** By the number that instructions give a register. */
  private static final int[] GENERAL = {
    RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15
  };

  private static final Map<X86Register, Integer> NUMBERS = new EnumMap<>(X86Register.class);
  private static final Map<X86Segment.Name, Integer> SEGMENTS =
      new EnumMap<>(X86Segment.Name.class);

  static {
    NUMBERS.put(X86Register.RAX, RAX);
    NUMBERS.put(X86Register.RBX, RBX);
    NUMBERS.put(X86Register.RCX, RCX);
    NUMBERS.put(X86Register.RDX, RDX);
    NUMBERS.put(X86Register.RSI, RSI);
    NUMBERS.put(X86Register.RDI, RDI);
    NUMBERS.put(X86Register.RBP, RBP);
    NUMBERS.put(X86Register.R8, R8);
    NUMBERS.put(X86Register.R9, R9);
    NUMBERS.put(X86Register.R10, R10);
    NUMBERS.put(X86Register.R11, R11);
    NUMBERS.put(X86Register.R12, R12);
    NUMBERS.put(X86Register.R13, R13);
    NUMBERS.put(X86Register.R14, R14);
    NUMBERS.put(X86Register.R15, R15);
    NUMBERS.put(X86Register.CR0, CR0);
    NUMBERS.put(X86Register.CR2, CR2);
    NUMBERS.put(X86Register.CR3, CR3);
    NUMBERS.put(X86Register.CR4, CR4);
    NUMBERS.put(X86Register.EFER, EFER);
    NUMBERS.put(X86Register.RSP, RSP);
    NUMBERS.put(X86Register.RIP, RIP);
    NUMBERS.put(X86Register.RFLAGS, RFLAGS);
    SEGMENTS.put(X86Segment.Name.CS, CS);
    SEGMENTS.put(X86Segment.Name.DS, DS);
    SEGMENTS.put(X86Segment.Name.ES, ES);
    SEGMENTS.put(X86Segment.Name.FS, FS);
    SEGMENTS.put(X86Segment.Name.GS, GS);
    SEGMENTS.put(X86Segment.Name.SS, SS);
    SEGMENTS.put(X86Segment.Name.TR, TR);
    SEGMENTS.put(X86Segment.Name.LDTR, LDTR);
  }

  private static final int COUNT = NUMBERS.size() + SEGMENTS.size();
  private static final long BASE = Fields.offset(SEGMENT, "desc");
  private static final long LIMIT = BASE + Fields.offset(DESCRIPTOR, "limit");
  private static final long ACCESS = BASE + Fields.offset(DESCRIPTOR, "access");
  private static final long SEGMENT_NUMBER = Fields.offset(SEGMENT, "regnum");
  private static final long NUMBER = Fields.offset(ONE, "regnum");
  private static final long VALUE = Fields.offset(ONE, "regval");

  private final Descriptor vm;
  private final MemorySegment one;
  private final MemorySegment set;
  private final MemorySegment values;
  private final MemorySegment segment;

  VmmRegisters(Descriptor vm, int vcpu, Arena arena) {
    this.vm = vm;
    one = arena.allocate(ONE);
    one.set(JAVA_INT, 0, vcpu);
    segment = arena.allocate(SEGMENT);
    segment.set(JAVA_INT, 0, vcpu);
    values = arena.allocate(JAVA_LONG, COUNT);
    MemorySegment numbers = arena.allocate(JAVA_INT, COUNT);
    int at = 0;
    for (int number : NUMBERS.values()) {
      numbers.setAtIndex(JAVA_INT, at++, number);
    }
    for (int number : SEGMENTS.values()) {
      numbers.setAtIndex(JAVA_INT, at++, number);
    }
    set = arena.allocate(SET);
    set.set(JAVA_INT, 0, vcpu);
    set.set(JAVA_INT, Fields.offset(SET, "count"), COUNT);
    set.set(JAVA_LONG, Fields.offset(SET, "regnums"), numbers.address());
    set.set(JAVA_LONG, Fields.offset(SET, "regvals"), values.address());
  }

  /** {@return vmm's number of a general register by the one that instructions use} */
  static int general(int encoded) {
    return GENERAL[encoded];
  }

  long get(int number) {
    one.set(JAVA_INT, NUMBER, number);
    vm.ioctl(VmmIoctl.GET_REGISTER, one, this);
    return one.get(JAVA_LONG, VALUE);
  }

  void set(int number, long value) {
    one.set(JAVA_INT, NUMBER, number);
    one.set(JAVA_LONG, VALUE, value);
    vm.ioctl(VmmIoctl.SET_REGISTER, one, this);
  }

  /** Sets the low bytes of a general register as an instruction of that operand size does. */
  void setPart(int number, int width, long value) {
    switch (width) {
      case 8 -> set(number, value);
      case 4 -> set(number, value & 0xffff_ffffL);
      default -> {
        long mask = (1L << (8 * width)) - 1;
        set(number, (get(number) & ~mask) | (value & mask));
      }
    }
  }

  X86CpuState read() {
    vm.ioctl(VmmIoctl.GET_REGISTER_SET, set, this);
    X86CpuState state = new X86CpuState();
    int at = 0;
    for (X86Register register : NUMBERS.keySet()) {
      state.set(register, values.getAtIndex(JAVA_LONG, at++));
    }
    state.set(X86Register.EFER, state.get(X86Register.EFER) & ~EFER_SVME);
    for (Map.Entry<X86Segment.Name, Integer> each : SEGMENTS.entrySet()) {
      int selector = (int) values.getAtIndex(JAVA_LONG, at++) & 0xffff;
      readDescriptor(each.getValue());
      state.set(
          each.getKey(),
          new X86Segment(
              selector,
              segment.get(JAVA_LONG, BASE),
              segment.get(JAVA_INT, LIMIT),
              segment.get(JAVA_INT, ACCESS)));
    }
    readDescriptor(GDTR);
    state.set(X86Register.GDT_BASE, segment.get(JAVA_LONG, BASE));
    state.set(X86Register.GDT_LIMIT, segment.get(JAVA_INT, LIMIT) & 0xffff);
    readDescriptor(IDTR);
    state.set(X86Register.IDT_BASE, segment.get(JAVA_LONG, BASE));
    state.set(X86Register.IDT_LIMIT, segment.get(JAVA_INT, LIMIT) & 0xffff);
    return state;
  }

  private void readDescriptor(int number) {
    segment.set(JAVA_INT, SEGMENT_NUMBER, number);
    vm.ioctl(VmmIoctl.GET_SEGMENT_DESCRIPTOR, segment, this);
  }

  void write(X86CpuState state) {
    if (state.get(X86Register.CR8) != 0) {
      throw new UnsupportedOperationException(
          "CR8=0x%x: FreeBSD's vmm lets nobody set the task priority from outside, leave it 0"
              .formatted(state.get(X86Register.CR8)));
    }
    int at = 0;
    for (X86Register register : NUMBERS.keySet()) {
      values.setAtIndex(JAVA_LONG, at++, state.get(register));
    }
    for (X86Segment.Name name : SEGMENTS.keySet()) {
      values.setAtIndex(JAVA_LONG, at++, state.segment(name).selector());
    }
    vm.ioctl(VmmIoctl.SET_REGISTER_SET, set, state);
    for (Map.Entry<X86Segment.Name, Integer> each : SEGMENTS.entrySet()) {
      X86Segment wanted = state.segment(each.getKey());
      writeDescriptor(each.getValue(), wanted.base(), wanted.limit(), wanted.attributes());
    }
    writeDescriptor(
        GDTR, state.get(X86Register.GDT_BASE), (int) state.get(X86Register.GDT_LIMIT), 0);
    writeDescriptor(
        IDTR, state.get(X86Register.IDT_BASE), (int) state.get(X86Register.IDT_LIMIT), 0);
  }

  private void writeDescriptor(int number, long base, int limit, int access) {
    segment.set(JAVA_INT, SEGMENT_NUMBER, number);
    segment.set(JAVA_LONG, BASE, base);
    segment.set(JAVA_INT, LIMIT, limit);
    segment.set(JAVA_INT, ACCESS, access);
    vm.ioctl(VmmIoctl.SET_SEGMENT_DESCRIPTOR, segment, this);
  }

  /** What the last request was about, for messages. */
  @Override
  public String toString() {
    return "cpuid=%d register=%d value=0x%x descriptor=%d base=0x%x limit=0x%x access=0x%x"
        .formatted(
            one.get(JAVA_INT, 0),
            one.get(JAVA_INT, NUMBER),
            one.get(JAVA_LONG, VALUE),
            segment.get(JAVA_INT, SEGMENT_NUMBER),
            segment.get(JAVA_LONG, BASE),
            segment.get(JAVA_INT, LIMIT),
            segment.get(JAVA_INT, ACCESS));
  }
}
