// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.cpu;

import dev.tealight.softcpu.internal.fault.GuestFault;
import dev.tealight.softcpu.internal.fault.Vector;

/** Reads descriptors and loads segment registers with the architecture's checks. */
public final class DescriptorTables {
  private static final long ACCESSED = 1L << 40;
  private static final long BUSY = 1L << 41;

  private DescriptorTables() {}

  /** Selector as error code: without the privilege bits. */
  public static int errorCode(int selector) {
    return selector & 0xFFFC;
  }

  /** Returns whether the descriptor of {@code selector} is inside its table. */
  public static boolean contains(Cpu cpu, int selector) {
    return contains(cpu, selector, 8);
  }

  private static boolean contains(Cpu cpu, int selector, int byteSize) {
    boolean local = (selector & 4) != 0;
    long limit = local ? cpu.segments.limit(Segments.LDTR) : cpu.system.gdtLimit;
    boolean usable = !local || (cpu.segments.attributes(Segments.LDTR) & Segments.UNUSABLE) == 0;
    return usable && (selector & 0xFFF8) + byteSize - 1 <= limit;
  }

  private static long address(Cpu cpu, int selector) {
    boolean local = (selector & 4) != 0;
    return (local ? cpu.segments.base(Segments.LDTR) : cpu.system.gdtBase) + (selector & 0xFFF8);
  }

  /** Returns the descriptor of {@code selector}; #GP if outside its table. */
  public static long read(Cpu cpu, int selector) {
    if (!contains(cpu, selector)) {
      throw cpu.fault.protection(errorCode(selector));
    }
    return cpu.memory.loadSystem(address(cpu, selector), 8);
  }

  /** Writes to memory, and may therefore fault: before the instruction changes anything else. */
  public static void markAccessed(Cpu cpu, int selector, long descriptor) {
    if ((descriptor & ACCESSED) == 0) {
      cpu.memory.storeSystem(address(cpu, selector), 8, descriptor | ACCESSED);
    }
  }

  public static GuestFault notPresent(Cpu cpu, int selector) {
    return cpu.fault.raise(Vector.NOT_PRESENT, errorCode(selector));
  }

  /** MOV, POP and L?S into ES, SS, DS, FS or GS. */
  public static void load(Cpu cpu, int segment, int selector) {
    if (!cpu.system.protectedMode()) {
      cpu.segments.set(segment, selector, (long) selector << 4, 0xFFFF, 0x93);
      return;
    }
    if (segment == Segments.SS) {
      loadStack(cpu, selector);
    } else {
      loadData(cpu, segment, selector);
    }
  }

  private static void loadData(Cpu cpu, int segment, int selector) {
    if ((selector & 0xFFFC) == 0) {
      cpu.segments.setNull(segment, selector, 0);
      return;
    }
    long descriptor = read(cpu, selector);
    boolean readable =
        !Descriptor.isSystem(descriptor)
            && (!Descriptor.isCode(descriptor) || Descriptor.isWritableOrReadable(descriptor));
    boolean conforming = Descriptor.isCode(descriptor) && Descriptor.isConforming(descriptor);
    int needed = Math.max(cpu.privilege, selector & 3);
    if (!readable || (!conforming && needed > Descriptor.privilege(descriptor))) {
      throw cpu.fault.protection(errorCode(selector));
    }
    if (!Descriptor.isPresent(descriptor)) {
      throw notPresent(cpu, selector);
    }
    markAccessed(cpu, selector, descriptor);
    cpu.segments.setFromDescriptor(segment, selector, descriptor, 0);
  }

  private static void loadStack(Cpu cpu, int selector) {
    int level = cpu.privilege;
    if ((selector & 0xFFFC) == 0) {
      boolean allowed = cpu.codeBits == 64 && level < 3 && (selector & 3) == level;
      if (!allowed) {
        throw cpu.fault.protection(0);
      }
      cpu.segments.setNull(Segments.SS, selector, 0);
      return;
    }
    long descriptor = readStack(cpu, selector, level, Vector.PROTECTION, 0);
    markAccessed(cpu, selector, descriptor);
    cpu.segments.setFromDescriptor(Segments.SS, selector, descriptor, 0);
    cpu.modeChanged();
  }

  /**
   * Returns the descriptor of a stack for code that will run at {@code level}.
   *
   * @param vector what a bad selector raises: #GP, or #TS when it comes from a TSS
   * @param external the EXT bit of error codes, or 0
   */
  public static long readStack(Cpu cpu, int selector, int level, int vector, int external) {
    if (!contains(cpu, selector)) {
      throw cpu.fault.raise(vector, errorCode(selector) | external);
    }
    long descriptor = read(cpu, selector);
    boolean suitable =
        !Descriptor.isSystem(descriptor)
            && !Descriptor.isCode(descriptor)
            && Descriptor.isWritableOrReadable(descriptor)
            && (selector & 3) == level
            && Descriptor.privilege(descriptor) == level;
    if (!suitable) {
      throw cpu.fault.raise(vector, errorCode(selector) | external);
    }
    if (!Descriptor.isPresent(descriptor)) {
      throw cpu.fault.stack(errorCode(selector) | external);
    }
    return descriptor;
  }

  /**
   * Loads CS from a descriptor that was checked and marked accessed; the code runs at {@code level}
   * from here on. Does not fault.
   */
  public static void setCode(Cpu cpu, int selector, long descriptor, int level) {
    cpu.segments.setFromDescriptor(Segments.CS, (selector & ~3) | level, descriptor, 0);
    cpu.privilege = level;
    cpu.modeChanged();
  }

  public static void loadLocalTable(Cpu cpu, int selector) {
    if ((selector & 0xFFFC) == 0) {
      cpu.segments.setNull(Segments.LDTR, selector, 0);
      return;
    }
    long descriptor = readSystem(cpu, selector, Descriptor.TYPE_LDT, Descriptor.TYPE_LDT);
    cpu.segments.setFromDescriptor(Segments.LDTR, selector, descriptor, baseHigh(cpu, selector));
  }

  public static void loadTask(Cpu cpu, int selector) {
    if ((selector & 0xFFFC) == 0) {
      throw cpu.fault.protection(0);
    }
    int available16 = 1;
    long descriptor = readSystem(cpu, selector, Descriptor.TYPE_TSS_AVAILABLE, available16);
    long busy = descriptor | BUSY;
    long high = baseHigh(cpu, selector);
    cpu.memory.storeSystem(address(cpu, selector), 8, busy);
    cpu.segments.setFromDescriptor(Segments.TR, selector, busy, high);
  }

  private static long readSystem(Cpu cpu, int selector, int type, int otherType) {
    if ((selector & 4) != 0) {
      throw cpu.fault.protection(errorCode(selector));
    }
    long descriptor = read(cpu, selector);
    int found = Descriptor.type(descriptor);
    boolean other = found == otherType && !cpu.system.longModeActive();
    if (!Descriptor.isSystem(descriptor) || (found != type && !other)) {
      throw cpu.fault.protection(errorCode(selector));
    }
    if (!Descriptor.isPresent(descriptor)) {
      throw notPresent(cpu, selector);
    }
    return descriptor;
  }

  /** System descriptors have 16 bytes in long mode. */
  private static long baseHigh(Cpu cpu, int selector) {
    if (!cpu.system.longModeActive()) {
      return 0;
    }
    if (!contains(cpu, selector, 16)) {
      throw cpu.fault.protection(errorCode(selector));
    }
    long address = address(cpu, selector) + 8;
    return cpu.memory.loadSystem(address, 8) & 0xFFFF_FFFFL;
  }
}
