// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import static java.lang.foreign.MemoryLayout.paddingLayout;
import static java.lang.foreign.MemoryLayout.sequenceLayout;
import static java.lang.foreign.MemoryLayout.structLayout;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import dev.tealight.X86CpuState;
import dev.tealight.X86Register;
import dev.tealight.X86Segment;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;

/** struct kvm_sregs: segment, descriptor-table and control registers. */
final class KvmSregs {
  static final StructLayout SEGMENT =
      structLayout(
              JAVA_LONG.withName("base"),
              JAVA_INT.withName("limit"),
              JAVA_SHORT.withName("selector"),
              JAVA_BYTE.withName("type"),
              JAVA_BYTE.withName("present"),
              JAVA_BYTE.withName("dpl"),
              JAVA_BYTE.withName("db"),
              JAVA_BYTE.withName("s"),
              JAVA_BYTE.withName("l"),
              JAVA_BYTE.withName("g"),
              JAVA_BYTE.withName("avl"),
              JAVA_BYTE.withName("unusable"),
              paddingLayout(1))
          .withName("kvm_segment");

  static final StructLayout TABLE =
      structLayout(JAVA_LONG.withName("base"), JAVA_SHORT.withName("limit"), paddingLayout(6))
          .withName("kvm_dtable");

  static final StructLayout LAYOUT =
      structLayout(
              SEGMENT.withName("cs"),
              SEGMENT.withName("ds"),
              SEGMENT.withName("es"),
              SEGMENT.withName("fs"),
              SEGMENT.withName("gs"),
              SEGMENT.withName("ss"),
              SEGMENT.withName("tr"),
              SEGMENT.withName("ldt"),
              TABLE.withName("gdt"),
              TABLE.withName("idt"),
              JAVA_LONG.withName("cr0"),
              JAVA_LONG.withName("cr2"),
              JAVA_LONG.withName("cr3"),
              JAVA_LONG.withName("cr4"),
              JAVA_LONG.withName("cr8"),
              JAVA_LONG.withName("efer"),
              JAVA_LONG.withName("apic_base"),
              sequenceLayout(4, JAVA_LONG).withName("interrupt_bitmap"))
          .withName("kvm_sregs");

  private static final Map<X86Register, Long> CONTROL = new EnumMap<>(X86Register.class);
  private static final Map<X86Segment.Name, Long> SEGMENTS = new EnumMap<>(X86Segment.Name.class);

  static {
    for (X86Register register :
        new X86Register[] {
          X86Register.CR0,
          X86Register.CR2,
          X86Register.CR3,
          X86Register.CR4,
          X86Register.CR8,
          X86Register.EFER
        }) {
      CONTROL.put(register, Fields.offset(LAYOUT, register.name().toLowerCase(Locale.ROOT)));
    }
    for (X86Segment.Name name : X86Segment.Name.values()) {
      String field = name == X86Segment.Name.LDTR ? "ldt" : name.name().toLowerCase(Locale.ROOT);
      SEGMENTS.put(name, Fields.offset(LAYOUT, field));
    }
  }

  private static final long GDT = Fields.offset(LAYOUT, "gdt");
  private static final long IDT = Fields.offset(LAYOUT, "idt");
  private static final long TABLE_LIMIT = Fields.offset(TABLE, "limit");

  private static final long LIMIT = Fields.offset(SEGMENT, "limit");
  private static final long SELECTOR = Fields.offset(SEGMENT, "selector");

  /** A one-byte field of {@code kvm_segment} and its place in {@link X86Segment#attributes}. */
  private enum Attribute {
    TYPE(0, 0xf),
    S(4, 1),
    DPL(5, 3),
    PRESENT(7, 1),
    AVL(12, 1),
    L(13, 1),
    DB(14, 1),
    G(15, 1),
    UNUSABLE(16, 1);

    final long offset = Fields.offset(SEGMENT, name().toLowerCase(Locale.ROOT));
    final int shift;
    final int mask;

    Attribute(int shift, int mask) {
      this.shift = shift;
      this.mask = mask;
    }
  }

  private static final Attribute[] ATTRIBUTES = Attribute.values();

  private KvmSregs() {}

  /**
   * Writes what the state holds.
   *
   * @param source the registers
   * @param target as read from the vCPU, for what the state does not hold
   */
  static void toNative(X86CpuState source, MemorySegment target) {
    SEGMENTS.forEach((name, offset) -> setSegment(target, offset, source.segment(name)));
    CONTROL.forEach((register, offset) -> target.set(JAVA_LONG, offset, source.get(register)));
    target.set(JAVA_LONG, GDT, source.get(X86Register.GDT_BASE));
    target.set(JAVA_SHORT, GDT + TABLE_LIMIT, (short) source.get(X86Register.GDT_LIMIT));
    target.set(JAVA_LONG, IDT, source.get(X86Register.IDT_BASE));
    target.set(JAVA_SHORT, IDT + TABLE_LIMIT, (short) source.get(X86Register.IDT_LIMIT));
  }

  static void fromNative(MemorySegment source, X86CpuState target) {
    SEGMENTS.forEach((name, offset) -> target.set(name, segment(source, offset)));
    CONTROL.forEach((register, offset) -> target.set(register, source.get(JAVA_LONG, offset)));
    target.set(X86Register.GDT_BASE, source.get(JAVA_LONG, GDT));
    target.set(X86Register.GDT_LIMIT, source.get(JAVA_SHORT, GDT + TABLE_LIMIT) & 0xffff);
    target.set(X86Register.IDT_BASE, source.get(JAVA_LONG, IDT));
    target.set(X86Register.IDT_LIMIT, source.get(JAVA_SHORT, IDT + TABLE_LIMIT) & 0xffff);
  }

  private static void setSegment(MemorySegment target, long offset, X86Segment segment) {
    target.set(JAVA_LONG, offset, segment.base());
    target.set(JAVA_INT, offset + LIMIT, segment.limit());
    target.set(JAVA_SHORT, offset + SELECTOR, (short) segment.selector());
    for (Attribute attribute : ATTRIBUTES) {
      int value = segment.attributes() >>> attribute.shift & attribute.mask;
      target.set(JAVA_BYTE, offset + attribute.offset, (byte) value);
    }
  }

  private static X86Segment segment(MemorySegment source, long offset) {
    int attributes = 0;
    for (Attribute attribute : ATTRIBUTES) {
      int value = source.get(JAVA_BYTE, offset + attribute.offset) & attribute.mask;
      attributes |= value << attribute.shift;
    }
    return new X86Segment(
        source.get(JAVA_SHORT, offset + SELECTOR) & 0xffff,
        source.get(JAVA_LONG, offset),
        source.get(JAVA_INT, offset + LIMIT),
        attributes);
  }
}
