// SPDX-License-Identifier: ISC
package dev.tealight.softcpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.GuestMemory;
import dev.tealight.Protection;
import dev.tealight.Region;
import dev.tealight.X86CpuState;
import dev.tealight.X86Register;
import dev.tealight.softcpu.internal.vm.SoftcpuInstructionCompleter;
import dev.tealight.spi.InstructionCompleter;
import dev.tealight.testkit.X86LongMode;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

class InstructionCompleterTest {
  private static final long DATA = 0x100000;
  private static final long XMM0 = 160;

  private final InstructionCompleter completer = new SoftcpuInstructionCompleter();
  private final GuestMemory memory =
      GuestMemory.over(Arena.ofAuto().allocate(2 << 20, GuestMemory.PAGE_BYTE_SIZE));
  private final MemorySegment vectors = Arena.ofAuto().allocate(512, 16);

  private X86CpuState state(String code) {
    X86CpuState state = X86LongMode.load(memory, HexFormat.of().parseHex(code.replace(" ", "")));
    state.set(X86Register.CR4, 0x620).set(X86Register.CR0, 0x8000_0033L);
    return state.set(X86Register.RDI, DATA).set(X86Register.RSI, X86LongMode.MAPPED_END);
  }

  @Test
  void vectorInstructionChangesMemoryVectorsAndInstructionPointer() {
    X86CpuState state = state("66 0f 6f 07"); // movdqa xmm0, [rdi]
    memory.writeLong(DATA, 0x1122_3344_5566_7788L);
    memory.writeLong(DATA + 8, 7);
    assertThat(completer.complete(state, vectors, memory)).isTrue();
    assertThat(vectors.get(ValueLayout.JAVA_LONG, XMM0)).isEqualTo(0x1122_3344_5566_7788L);
    assertThat(vectors.get(ValueLayout.JAVA_LONG, XMM0 + 8)).isEqualTo(7);
    assertThat(state.get(X86Register.RIP)).isEqualTo(X86LongMode.CODE + 4);

    state = state("66 0f 7f 47 10"); // movdqa [rdi+16], xmm0
    assertThat(completer.complete(state, vectors, memory)).isTrue();
    assertThat(memory.readLong(DATA + 16)).isEqualTo(0x1122_3344_5566_7788L);
  }

  @Test
  void whatFaultsOrConcernsMoreThanRegistersAndMemoryChangesNothing() {
    assertDeclined("66 0f 6f 47 01"); // movdqa xmm0, [rdi+1]: not aligned
    assertDeclined("66 0f 6f 06"); // movdqa xmm0, [rsi]: not mapped
    assertDeclined("c5 fc 58 c1"); // vaddps: not supported
    assertDeclined("0f 0b"); // ud2
    assertDeclined("0f 30"); // wrmsr
    assertDeclined("0f a2"); // cpuid
    assertDeclined("0f 22 d8"); // mov cr3, rax
    assertDeclined("e7 12"); // out
    assertDeclined("f4"); // hlt
  }

  private void assertDeclined(String code) {
    X86CpuState state = state(code);
    X86CpuState before = state(code);
    assertThat(completer.complete(state, vectors, memory)).as(code).isFalse();
    for (X86Register register : X86Register.values()) {
      assertThat(state.get(register)).as("%s, %s", code, register).isEqualTo(before.get(register));
    }
    assertThat(vectors.mismatch(MemorySegment.ofArray(new byte[512]))).as(code).isEqualTo(-1);
  }

  @Test
  void protectionOfTheGuestsMemoryIsRespected() {
    X86CpuState state = state("66 0f 7f 07"); // movdqa [rdi], xmm0
    memory.writeLong(DATA, 5);
    memory.restrict(
        List.of(new Region(DATA, GuestMemory.PAGE_BYTE_SIZE, new Protection(true, false, false))));
    assertThat(completer.complete(state, vectors, memory)).isFalse();
    assertThat(memory.readLong(DATA)).isEqualTo(5);
  }
}
