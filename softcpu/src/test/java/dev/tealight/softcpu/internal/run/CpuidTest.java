// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.softcpu.internal.cpu.Cpu;
import dev.tealight.softcpu.internal.cpu.ExitReason;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** CPUID advertises what there is, and nothing else. */
class CpuidTest {
  private static final int UNDEFINED = 6;
  private static final int EXTENDED = 0x8000_0001;

  /** A register of a leaf. */
  private record Word(int leaf, int register) {}

  private static final Word LEAF1_ECX = new Word(1, Cpu.RCX);
  private static final Word LEAF1_EDX = new Word(1, Cpu.RDX);
  private static final Word LEAF7_EBX = new Word(7, Cpu.RBX);
  private static final Word EXTENDED_ECX = new Word(EXTENDED, Cpu.RCX);
  private static final Word EXTENDED_EDX = new Word(EXTENDED, Cpu.RDX);

  /**
   * A feature bit, and an instruction that belongs to it; none if it is about paging, registers or
   * speed.
   */
  private record Feature(Word word, int bit, String code) {}

  private static final List<Feature> ADVERTISED =
      List.of(
          new Feature(LEAF1_ECX, 0, "F20FF003"), // LDDQU
          new Feature(LEAF1_ECX, 1, "660F3A44C100"), // PCLMULQDQ
          new Feature(LEAF1_ECX, 9, "660F3800C1"), // PSHUFB
          new Feature(LEAF1_ECX, 13, "480FC70B"), // CMPXCHG16B
          new Feature(LEAF1_ECX, 19, "660F3810C1"), // PBLENDVB
          new Feature(LEAF1_ECX, 20, "F20F38F0C1"), // CRC32
          new Feature(LEAF1_ECX, 22, "0F38F003"), // MOVBE
          new Feature(LEAF1_ECX, 23, "F30FB8C1"), // POPCNT
          new Feature(LEAF1_ECX, 25, "660F38DCC1"), // AESENC
          new Feature(LEAF1_ECX, 30, "0FC7F0"), // RDRAND
          new Feature(LEAF1_EDX, 0, "D9E8"), // FLD1
          new Feature(LEAF1_EDX, 3, ""), // PSE
          new Feature(LEAF1_EDX, 4, "0F31"), // RDTSC
          new Feature(LEAF1_EDX, 5, "0F32"), // RDMSR
          new Feature(LEAF1_EDX, 6, ""), // PAE
          new Feature(LEAF1_EDX, 8, "0FC70B"), // CMPXCHG8B
          new Feature(LEAF1_EDX, 11, "0F34"), // SYSENTER
          new Feature(LEAF1_EDX, 13, ""), // PGE
          new Feature(LEAF1_EDX, 15, "0F44C1"), // CMOVE
          new Feature(LEAF1_EDX, 16, ""), // PAT
          new Feature(LEAF1_EDX, 19, "0FAE3B"), // CLFLUSH
          new Feature(LEAF1_EDX, 23, "0FFCC1"), // PADDB
          new Feature(LEAF1_EDX, 24, "0FAE03"), // FXSAVE
          new Feature(LEAF1_EDX, 25, "0F58C1"), // ADDPS
          new Feature(LEAF1_EDX, 26, "660F58C1"), // ADDPD
          new Feature(LEAF7_EBX, 0, "F3480FAEC0"), // RDFSBASE
          new Feature(LEAF7_EBX, 3, "C4E278F2C1"), // ANDN
          new Feature(LEAF7_EBX, 8, "C4E27BF5C1"), // PDEP
          new Feature(LEAF7_EBX, 9, ""), // fast REP MOVSB
          new Feature(LEAF7_EBX, 18, "0FC7F8"), // RDSEED
          new Feature(LEAF7_EBX, 19, "660F38F6C1"), // ADCX
          new Feature(LEAF7_EBX, 23, "660FAE3B"), // CLFLUSHOPT
          new Feature(LEAF7_EBX, 29, "0F38C8C1"), // SHA1NEXTE
          new Feature(EXTENDED_ECX, 0, "9F"), // LAHF
          new Feature(EXTENDED_ECX, 5, "F30FBDC1"), // LZCNT
          new Feature(EXTENDED_ECX, 8, "0F0D0B"), // PREFETCHW
          new Feature(EXTENDED_EDX, 11, "0F05"), // SYSCALL
          new Feature(EXTENDED_EDX, 20, ""), // NX
          new Feature(EXTENDED_EDX, 26, ""), // 1 GiB pages
          new Feature(EXTENDED_EDX, 27, "0F01F9"), // RDTSCP
          new Feature(EXTENDED_EDX, 29, "")); // long mode

  private static final List<String> ABSENT =
      List.of(
          "0F01C8", // MONITOR
          "C4E27998C1", // VFMADD132PS
          "0FAE23", // XSAVE
          "C5FC58C1", // VADDPS
          "C4E27913C1", // VCVTPH2PS
          "C5FDFCC1", // VPADDB
          "660F388203", // INVPCID
          "0F01CA", // CLAC
          "660FAE33"); // CLWB

  private static int read(Word word) {
    TestMachine machine = new TestMachine();
    machine.cpu.gpr[Cpu.RAX] = word.leaf();
    assertThat(machine.code(0x0F, 0xA2, 0xF4).run()).isEqualTo(ExitReason.HALT);
    return (int) machine.cpu.gpr[word.register()];
  }

  private static boolean isUndefined(String code) {
    TestMachine machine = new TestMachine();
    machine.cpu.gpr[Cpu.RBX] = TestMachine.DATA;
    machine.cpu.gpr[Cpu.RCX] = 0x10; // the MSR of the time stamp
    machine.cpu.system.cr4 |= 1 << 16; // FSGSBASE
    machine.cpu.system.efer |= 1; // SYSCALL
    machine.cpu.system.msrs.lstar = TestMachine.HANDLERS + 0xFF;
    byte[] bytes = HexFormat.of().parseHex(code + "F4");
    int[] ints = new int[bytes.length];
    for (int i = 0; i < ints.length; i++) {
      ints[i] = bytes[i];
    }
    assertThat(machine.code(ints).run()).isEqualTo(ExitReason.HALT);
    return machine.vector() == UNDEFINED;
  }

  @Test
  void bitsAreThoseOfTheFeatures() {
    Map<Word, Integer> expected = new HashMap<>();
    for (Feature feature : ADVERTISED) {
      expected.merge(feature.word(), 1 << feature.bit(), (a, b) -> a | b);
    }
    Map<Word, Integer> found = new HashMap<>();
    for (Word word : expected.keySet()) {
      found.put(word, read(word));
    }
    assertThat(found).isEqualTo(expected);
  }

  @Test
  void instructionsOfAdvertisedFeaturesAreThere() {
    assertThat(ADVERTISED)
        .filteredOn(feature -> !feature.code().isEmpty())
        .noneMatch(feature -> isUndefined(feature.code()));
  }

  @Test
  void instructionsOfOtherFeaturesAreUndefined() {
    assertThat(ABSENT).allMatch(CpuidTest::isUndefined);
  }
}
