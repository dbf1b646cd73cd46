// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.ffi.posix.FreeBsdErrno;
import dev.tealight.ffi.posix.Ioctl;
import dev.tealight.testkit.AbiFacts;
import java.lang.foreign.StructLayout;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What we say about vmm against what the headers of each version say. */
class BhyveFactsTest {
  private static final List<StructLayout> SAME_EVERYWHERE =
      List.of(
          VmmStructs.MEMMAP,
          VmmStructs.MUNMAP,
          VmmStructs.CAPABILITY,
          VmmStructs.EXCEPTION,
          VmmStructs.GUEST_PAGING,
          VmmStructs.GLA2GPA,
          VmmStructs.ISA_IRQ,
          VmmStructs.ISA_IRQ_TRIGGER,
          VmmStructs.RTC_TIME,
          VmmRegisters.ONE,
          VmmRegisters.SET,
          VmmRegisters.DESCRIPTOR,
          VmmRegisters.SEGMENT,
          VmmRun.EXIT);

  private static final List<StructLayout> MEMBERS_OF_THE_EXIT =
      List.of(
          VmmRun.INOUT,
          VmmRun.INOUT_STR,
          VmmRun.INST_EMUL,
          VmmRun.VMX,
          VmmRun.SVM,
          VmmRun.SUSPENDED);

  @ParameterizedTest
  @ValueSource(ints = {13, 14, 15})
  void structuresAreThoseOfTheHeaders(int version) {
    AbiFacts facts = VmmFacts.of(version).facts();
    SAME_EVERYWHERE.forEach(facts::checkLayout);
    MEMBERS_OF_THE_EXIT.forEach(facts::checkOffsets);
    facts.checkLayout(version < 14 ? VmmRun.LAYOUT_13 : VmmRun.LAYOUT_14);
    facts.checkLayout(version < 15 ? VmmStructs.MEMSEG_13 : VmmStructs.MEMSEG_15);
    facts.check("sizeof vm_exit", VmmRun.EXIT_BYTE_SIZE);
    facts.check("vm_exit.u", VmmRun.UNION);
    facts.check("vie.num_valid", VmmRun.VIE_NUM_VALID);
    facts.check("vie.decoded", VmmRun.VIE_DECODED);
    facts.check("VIE_INST_SIZE", VmmRun.VIE_INST_SIZE);
    if (version >= 15) {
      facts.checkLayout(VmmStructs.VMMCTL_VM_CREATE);
      facts.check("vmmctl_vm_destroy.reserved", facts.value("vmmctl_vm_create.reserved"));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {13, 14, 15})
  void requestNumbersAreThoseOfTheHeaders(int version) throws IllegalAccessException {
    VmmFacts facts = VmmFacts.of(version);
    int checked = 0;
    for (Field field : VmmIoctl.class.getDeclaredFields()) {
      if (field.getType() != Ioctl.class) {
        continue;
      }
      Ioctl request = (Ioctl) field.get(null);
      int form = form(field.getName());
      boolean ofThis = form == newest(request.name(), version);
      if (ofThis && facts.has(request.name())) {
        facts.facts().check(request.name(), Integer.toUnsignedLong(request.code()));
        checked++;
      }
    }
    assertThat(checked).isEqualTo(version < 15 ? 24 : 26);
  }

  /** {@return the version at the end of a name, or 0} */
  private static int form(String name) {
    return name.matches(".*_1[345]") ? Integer.parseInt(name.substring(name.length() - 2)) : 0;
  }

  private static int newest(String request, int version) {
    return switch (request) {
      case "VM_RUN" -> version < 14 ? 13 : 14;
      case "VM_ALLOC_MEMSEG" -> version < 15 ? 13 : 15;
      default -> 0;
    };
  }

  @ParameterizedTest
  @ValueSource(ints = {14, 15})
  void olderFormsAreThoseThatLaterKernelsAccept(int version) {
    AbiFacts facts = VmmFacts.of(version).facts();
    facts.check("VM_RUN_13", Integer.toUnsignedLong(VmmIoctl.RUN_13.code()));
    if (version == 15) {
      facts.check("VM_ALLOC_MEMSEG_14", Integer.toUnsignedLong(VmmIoctl.ALLOC_MEMSEG_13.code()));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {13, 14, 15})
  void numbersAreThoseOfTheHeaders(int version) throws IllegalAccessException {
    AbiFacts facts = VmmFacts.of(version).facts();
    checkAll(facts, VmmExit.class, "VM_EXITCODE_");
    checkAll(facts, VmmSuspend.class, "VM_SUSPEND_");
    checkAll(facts, VmmCapabilities.class, "VM_CAP_");
    checkAll(facts, FreeBsdErrno.class, "");
    for (Field field : VmmRegisters.class.getDeclaredFields()) {
      if (isNumber(field)) {
        facts.check("VM_REG_GUEST_" + field.getName(), field.getInt(null));
      }
    }
    for (String name :
        List.of(
            "PROT_READ",
            "PROT_WRITE",
            "PROT_EXEC",
            "CPU_MODE_PROTECTED",
            "CPU_MODE_64BIT",
            "PAGING_MODE_FLAT",
            "PAGING_MODE_32",
            "PAGING_MODE_PAE",
            "PAGING_MODE_64")) {
      checkOne(facts, name);
    }
    facts.check("LEVEL_TRIGGER", BhyveChips.LEVEL_TRIGGER);
    facts.check("VM_SYSMEM", MemoryMappings.SYSTEM_MEMORY);
    facts.check("VM_MAX_NAMELEN", VmmStructs.NAME_ROOM - 1);
    facts.check("VM_MAX_MEMMAPS", new VmmForms(version).mappingLimit());
    int flags = 8 * (int) VmmRun.UNION;
    facts.check("vm_exit.u.inout.bytes bit", flags);
    facts.check("vm_exit.u.inout.in bit", flags + Integer.numberOfTrailingZeros(VmmRun.IN));
    facts.check("vm_exit.u.inout.rep bit", flags + Integer.numberOfTrailingZeros(VmmRun.REPEAT));
  }

  private static boolean isNumber(Field field) {
    return field.getType() == int.class
        && Modifier.isStatic(field.getModifiers())
        && !Modifier.isPrivate(field.getModifiers());
  }

  private static void checkOne(AbiFacts facts, String name) throws IllegalAccessException {
    try {
      facts.check(name, VmmStructs.class.getDeclaredField(name).getInt(null));
    } catch (NoSuchFieldException e) {
      throw new AssertionError(e);
    }
  }

  /** Checks all of them that the version has. */
  private static void checkAll(AbiFacts facts, Class<?> holder, String prefix)
      throws IllegalAccessException {
    for (Field field : holder.getDeclaredFields()) {
      String name = prefix + field.getName();
      if (isNumber(field) && facts.values().containsKey(name)) {
        facts.check(name, field.getInt(null));
      }
    }
  }
}
