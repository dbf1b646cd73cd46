// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.softcpu.internal.cpu.Cpu;
import dev.tealight.softcpu.internal.cpu.ExitReason;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;

/**
 * The SHA instructions, arranged to hash one block as their manual describes. Message and digests
 * are those of FIPS 180's examples.
 */
class ShaTest {
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** "abc", padded. */
  private static final int[] MESSAGE = {0x61626380, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 24};

  /** The four registers that hold 16 words of the message schedule. */
  private static final int MESSAGE_REGISTER = 3;

  private final TestMachine machine = new TestMachine();
  private final ByteArrayOutputStream code = new ByteArrayOutputStream();

  /** Emits an instruction on two XMM registers; {@code opcode} as hex. */
  private void emit(String opcode, int register, int other) {
    for (int i = 0; i < opcode.length(); i += 2) {
      code.write(Integer.parseInt(opcode.substring(i, i + 2), 16));
    }
    code.write(0xC0 | register << 3 | other);
  }

  private void emit(String opcode, int register, int other, int immediate) {
    emit(opcode, register, other);
    code.write(immediate);
  }

  private static int message(int group) {
    return MESSAGE_REGISTER + group % 4;
  }

  private void xmm(int register, int d3, int d2, int d1, int d0) {
    machine.cpu.sse.set(
        register, (long) d1 << 32 | (d0 & 0xFFFF_FFFFL), (long) d3 << 32 | (d2 & 0xFFFF_FFFFL));
  }

  private int word(int register, int number) {
    long half = number < 2 ? machine.cpu.sse.low(register) : machine.cpu.sse.high(register);
    return (int) (half >>> (32 * (number & 1)));
  }

  private void run() {
    code.write(0xF4);
    int at = 0;
    for (byte value : code.toByteArray()) {
      machine.ram.set(ValueLayout.JAVA_BYTE, TestMachine.CODE + at++, value);
    }
    assertThat(machine.run()).isEqualTo(ExitReason.HALT);
    assertThat(machine.cpu.rip).isEqualTo(TestMachine.CODE + at);
  }

  @Test
  void sha1HashesTheExample() {
    int[] initial = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    for (int group = 0; group < 4; group++) {
      int first = 4 * group;
      xmm(
          message(group),
          MESSAGE[first],
          MESSAGE[first + 1],
          MESSAGE[first + 2],
          MESSAGE[first + 3]);
    }
    xmm(0, initial[0], initial[1], initial[2], initial[3]);
    xmm(1, initial[4], 0, 0, 0); // E, and in turn with register 2 what A was four rounds before
    for (int group = 0; group < 20; group++) {
      int e = 1 + group % 2;
      emit(group == 0 ? "660FFE" : "0F38C8", e, message(group)); // PADDD or SHA1NEXTE
      emit("660F6F", 3 - e, 0); // MOVDQA
      emit("0F3ACC", 0, e, group / 5); // SHA1RNDS4
      if (group < 16) {
        emit("0F38C9", message(group), message(group + 1)); // SHA1MSG1
        emit("660FEF", message(group), message(group + 2)); // PXOR
        emit("0F38CA", message(group), message(group + 3)); // SHA1MSG2
      }
    }
    emit("660FEF", 7, 7);
    emit("0F38C8", 1, 7); // SHA1NEXTE: A of four rounds before becomes E
    run();
    assertThat(word(0, 3) + initial[0]).isEqualTo(0xA9993E36);
    assertThat(word(0, 2) + initial[1]).isEqualTo(0x4706816A);
    assertThat(word(0, 1) + initial[2]).isEqualTo(0xBA3E2571);
    assertThat(word(0, 0) + initial[3]).isEqualTo(0x7850C26C);
    assertThat(word(1, 3) + initial[4]).isEqualTo(0x9CD0D89D);
  }

  @Test
  void sha256HashesTheExample() {
    int[] initial = {
      0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19
    };
    for (int group = 0; group < 4; group++) {
      int first = 4 * group;
      xmm(
          message(group),
          MESSAGE[first + 3],
          MESSAGE[first + 2],
          MESSAGE[first + 1],
          MESSAGE[first]);
    }
    for (int i = 0; i < 64; i++) {
      machine.ram.set(INT, TestMachine.DATA + 4L * i, constant(i));
    }
    machine.cpu.gpr[Cpu.RBX] = TestMachine.DATA;
    xmm(1, initial[0], initial[1], initial[4], initial[5]); // A, B, E, F
    xmm(2, initial[2], initial[3], initial[6], initial[7]); // C, D, G, H
    for (int group = 0; group < 16; group++) {
      int next = message(group);
      code.writeBytes(new byte[] {0x66, 0x0F, 0x6F, 0x03}); // MOVDQA XMM0,[RBX]
      code.writeBytes(new byte[] {0x48, (byte) 0x83, (byte) 0xC3, 16}); // ADD RBX,16
      emit("660FFE", 0, next); // PADDD
      emit("0F38CB", 2, 1); // SHA256RNDS2
      emit("660F70", 0, 0, 0x0E); // PSHUFD
      emit("0F38CB", 1, 2);
      if (group < 12) {
        emit("0F38CC", next, message(group + 1)); // SHA256MSG1
        emit("660F6F", 7, message(group + 3));
        emit("660F3A0F", 7, message(group + 2), 4); // PALIGNR
        emit("660FFE", next, 7);
        emit("0F38CD", next, message(group + 3)); // SHA256MSG2
      }
    }
    run();
    assertThat(word(1, 3) + initial[0]).isEqualTo(0xBA7816BF);
    assertThat(word(1, 2) + initial[1]).isEqualTo(0x8F01CFEA);
    assertThat(word(2, 3) + initial[2]).isEqualTo(0x414140DE);
    assertThat(word(2, 2) + initial[3]).isEqualTo(0x5DAE2223);
    assertThat(word(1, 1) + initial[4]).isEqualTo(0xB00361A3);
    assertThat(word(1, 0) + initial[5]).isEqualTo(0x96177A9C);
    assertThat(word(2, 1) + initial[6]).isEqualTo(0xB410FF61);
    assertThat(word(2, 0) + initial[7]).isEqualTo(0xF20015AD);
  }

  /** The first 32 bits of the fractional part of the cube root of a prime. */
  private static int constant(int number) {
    int prime = 2;
    for (int found = 0; found < number; ) {
      prime++;
      int divisor = 2;
      while (prime % divisor != 0) {
        divisor++;
      }
      found += divisor == prime ? 1 : 0;
    }
    double root = Math.cbrt(prime);
    return (int) (long) ((root - Math.floor(root)) * 0x1p32);
  }
}
