// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.X86CpuState;
import dev.tealight.X86Register;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Objects;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the assembler makes of the instructions is found again. */
class PrivilegedInstructionTest {
  private final X86CpuState state =
      new X86CpuState()
          .set(X86Register.RIP, 0x100000)
          .set(X86Register.RDI, 0x2000)
          .set(X86Register.RSP, 0x3000)
          .set(X86Register.R12, 0x4000)
          .set(X86Register.R9, 2);

  private @Nullable PrivilegedInstruction decode(String hex) {
    byte[] code = HexFormat.of().parseHex(hex);
    return PrivilegedInstruction.decode(
        Arrays.copyOf(code, PrivilegedInstruction.MAX_LENGTH), state);
  }

  private PrivilegedInstruction found(String hex) {
    return Objects.requireNonNull(decode(hex), hex);
  }

  @ParameterizedTest
  @CsvSource({
    "fa, CLI, 1",
    "f4, HLT, 1",
    "48cf, IRETQ, 2",
    "48cb, RETFQ, 2",
    "0f30, WRMSR, 2",
    "0f32, RDMSR, 2",
    "0f0117, LGDT, 3",
    "0f011e, LIDT, 3",
    "0f00d8, LTR, 3",
    "8ed0, MOV_TO_SEGMENT, 2",
    "0f20d0, MOV_FROM_CONTROL, 3",
    "440f20c3, MOV_FROM_CONTROL, 4",
    "0f22d8, MOV_TO_CONTROL, 3",
    "fb, STI, 1",
    "0f06, CLTS, 2",
    "0f01d1, XSETBV, 3",
    "0f01f8, SWAPGS, 3",
    "0f0138, INVLPG, 3",
    "0f09, WBINVD, 2"
  })
  void instructionHasKindAndLength(String hex, String kind, int length) {
    PrivilegedInstruction found = found(hex);
    assertThat(found.kind().name()).isEqualTo(kind);
    assertThat(found.length()).isEqualTo(length);
  }

  @ParameterizedTest
  @CsvSource({
    "0f0117, 0x2000", // lgdt (%rdi)
    "0f015708, 0x2008", // lgdt 8(%rdi)
    "0f0157f8, 0x1ff8", // lgdt -8(%rdi)
    "0f0197000100ff, 0xffffffffff002100", // lgdt -0xffff00(%rdi)
    "0f011424, 0x3000", // lgdt (%rsp)
    "410f011424, 0x4000", // lgdt (%r12)
    "420f01544f10, 0x2014", // lgdt 16(%rdi,%r9,2)
    "0f011510000000, 0x100017", // lgdt 16(%rip)
    "0f01142500500000, 0x5000" // lgdt 0x5000
  })
  void operandInMemoryHasItsAddress(String hex, String address) {
    PrivilegedInstruction found = found(hex);
    assertThat(found.isRegister()).isFalse();
    assertThat(Long.toHexString(found.operand())).isEqualTo(address.substring(2));
    assertThat(found.length()).isEqualTo(hex.length() / 2);
  }

  @Test
  void moveOfAControlRegisterNamesBothRegisters() {
    PrivilegedInstruction found = found("450f20c1"); // mov %cr8, %r9
    assertThat(found.field()).isEqualTo(8);
    assertThat(PrivilegedInstruction.register(found.operand())).isEqualTo(X86Register.R9);
  }

  @ParameterizedTest
  @ValueSource(strings = {"90", "8803", "0f0b", "0f01c1", "cb", "0f05", "c3", "0f01d0"})
  void otherInstructionsAreNone(String hex) {
    assertThat(decode(hex)).isNull();
  }

  @Property
  void anyBytesAreDecodedWithinTheirLength(
      @ForAll @Size(PrivilegedInstruction.MAX_LENGTH) byte[] code) {
    PrivilegedInstruction found = PrivilegedInstruction.decode(code, state);
    if (found != null) {
      assertThat(found.length()).isBetween(1, PrivilegedInstruction.MAX_LENGTH);
    }
  }
}
