// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.tealight.ffi.posix.Ioctl;
import dev.tealight.testkit.AbiFacts;
import java.io.IOException;
import java.lang.foreign.StructLayout;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.FieldSource;

/** What we say about KVM against what its header says. */
class KvmFactsTest {
  static final List<StructLayout> STRUCTURES =
      List.of(
          KvmUserspaceMemoryRegion.LAYOUT,
          KvmIoeventfd.LAYOUT,
          KvmInterrupt.LAYOUT,
          KvmVcpuEvents.LAYOUT,
          KvmXsave.LAYOUT,
          KvmGuestDebug.LAYOUT,
          KvmCpuid.HEADER,
          KvmCpuid.ENTRY,
          KvmRegs.LAYOUT,
          KvmSregs.SEGMENT,
          KvmSregs.TABLE,
          KvmSregs.LAYOUT);

  static final List<StructLayout> MEMBERS_OF_KVM_RUN =
      List.of(
          KvmRun.HEADER,
          KvmRun.IO,
          KvmRun.MMIO,
          KvmRun.DEBUG,
          KvmRun.FAIL_ENTRY,
          KvmRun.INTERNAL,
          KvmRun.EMULATION_FAILURE,
          KvmRun.MEMORY_FAULT);

  private final AbiFacts facts;

  KvmFactsTest() throws IOException {
    facts = AbiFacts.read(KvmFactsTest.class.getResourceAsStream("linux-kvm-facts.json"));
  }

  @ParameterizedTest
  @FieldSource("STRUCTURES")
  void structuresAreThoseOfTheHeader(StructLayout layout) {
    facts.checkLayout(layout);
  }

  @ParameterizedTest
  @FieldSource("MEMBERS_OF_KVM_RUN")
  void membersOfTheSharedPageAreThoseOfTheHeader(StructLayout layout) {
    facts.checkOffsets(layout);
  }

  @Test
  void requestNumbersAreThoseOfTheHeader() throws IllegalAccessException {
    int checked = 0;
    for (Field field : KvmIoctl.class.getDeclaredFields()) {
      if (field.getType() == Ioctl.class) {
        Ioctl request = (Ioctl) field.get(null);
        assertThat(request.name()).isEqualTo("KVM_" + field.getName());
        facts.check(request.name(), Integer.toUnsignedLong(request.code()));
        checked++;
      }
    }
    assertThat(checked).isEqualTo(21);
  }

  @ParameterizedTest
  @EnumSource
  void capabilitiesAreThoseOfTheHeader(KvmCap cap) {
    facts.check(cap.kernelName(), cap.number());
  }

  @Test
  void exitReasonsAreThoseOfTheHeader() throws IllegalAccessException {
    for (Field field : KvmExit.class.getDeclaredFields()) {
      if (Modifier.isStatic(field.getModifiers()) && field.getType() == int.class) {
        facts.check("KVM_EXIT_" + field.getName(), field.getInt(null));
      }
    }
  }

  @Test
  void flagsAreThoseOfTheHeader() {
    facts.check("KVM_API_VERSION", KvmDevice.API_VERSION);
    facts.check("KVM_EXIT_IO_OUT", KvmRun.DIRECTION_OUT);
    facts.check("KVM_INTERNAL_ERROR_EMULATION", KvmRun.EMULATION_FAILED);
    facts.check("KVM_MEM_READONLY", KvmUserspaceMemoryRegion.READONLY);
    facts.check("KVM_CPUID_FLAG_SIGNIFCANT_INDEX", KvmCpuid.SIGNIFICANT_INDEX);
    facts.check("KVM_IOEVENTFD_FLAG_PIO", KvmIoeventfd.PIO);
    facts.check("KVM_IOEVENTFD_FLAG_DEASSIGN", KvmIoeventfd.DEASSIGN);
    facts.check("KVM_GUESTDBG_ENABLE", KvmGuestDebug.ENABLE);
    facts.check("KVM_GUESTDBG_SINGLESTEP", KvmGuestDebug.SINGLESTEP);
    facts.check("KVM_GUESTDBG_USE_SW_BP", KvmGuestDebug.USE_SW_BP);
    facts.check("KVM_GUESTDBG_USE_HW_BP", KvmGuestDebug.USE_HW_BP);
    facts.check("KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES", KvmRun.INSTRUCTION_BYTES);
    facts.check("emulation_failure.insn_bytes", KvmRun.FAILURE_BYTES);
    facts.check("emulation_failure.flags", KvmRun.FAILURE_DATA);
  }

  @Test
  void factsAreThoseOfThisHostsHeader() {
    try {
      assertThat(facts.values())
          .containsAllEntriesOf(
              AbiFacts.fromHeaders(KvmFactsTest.class.getResourceAsStream("linux-kvm-facts.c"))
                  .values());
    } catch (IOException e) {
      abort("no C compiler or no linux/kvm.h here: " + e.getMessage());
    }
  }
}
