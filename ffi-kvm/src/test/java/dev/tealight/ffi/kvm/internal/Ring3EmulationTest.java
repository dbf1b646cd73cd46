// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.GuestMemory;
import dev.tealight.Protection;
import dev.tealight.Region;
import dev.tealight.X86CpuState;
import dev.tealight.X86Register;
import dev.tealight.X86Segment;
import dev.tealight.ffi.kvm.internal.PrivilegedInstruction.Kind;
import dev.tealight.ffi.kvm.internal.Ring3Instructions.Outcome;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Instructions and exceptions do at level 3 what they do at level 0, to whatever guest. */
class Ring3EmulationTest {
  private static final long STACK = 0x6000;
  private static final long TABLE = 0x7000;

  private final GuestMemory memory = GuestMemory.over(MemorySegment.ofArray(new long[0x4000]));
  private final LinearMemory linear = new LinearMemory(memory, new PageTables(memory, 0x1000));
  private final X86CpuState state =
      new X86CpuState()
          .set(X86Segment.Name.CS, new X86Segment(0x8, 0, -1, 0xa09b))
          .set(X86Segment.Name.SS, new X86Segment(0x10, 0, -1, 0xc093))
          .set(X86Register.RIP, 0x5000)
          .set(X86Register.RSP, STACK)
          .set(X86Register.RFLAGS, 0x346)
          .set(X86Register.IDT_BASE, TABLE)
          .set(X86Register.IDT_LIMIT, 0x1ff);

  @BeforeEach
  void map() {
    memory.writeLong(0x1000, 0x2003);
    memory.writeLong(0x2000, 0x3003);
    memory.writeLong(0x3000, 0x83);
  }

  private Outcome execute(String hex, Ring3State believed) {
    byte[] code = HexFormat.of().parseHex(hex + "00".repeat(PrivilegedInstruction.MAX_LENGTH));
    PrivilegedInstruction instruction =
        Objects.requireNonNull(PrivilegedInstruction.decode(code, state));
    return new Ring3Instructions(state, believed, linear).execute(instruction);
  }

  @Test
  void exceptionFrameIsThatOfTheProcessor() {
    Ring3State believed = new Ring3State(state);
    memory.writeLong(TABLE + 14 * 16, 0x1234_8e00_0008_5678L);
    state.set(X86Register.RSP, STACK + 5);
    assertThat(Ring3Exceptions.deliver(14, 6, state, believed, linear)).isTrue();
    assertThat(state.get(X86Register.RIP)).isEqualTo(0x1234_5678);
    assertThat(state.get(X86Register.RSP)).isEqualTo(STACK - 48);
    assertThat(state.get(X86Register.RFLAGS)).isEqualTo(0x46);
    // Error code without the bit of level 3, RIP, CS, RFLAGS, RSP, SS.
    assertThat(memory.readLong(STACK - 48)).isEqualTo(2);
    assertThat(memory.readLong(STACK - 40)).isEqualTo(0x5000);
    assertThat(memory.readLong(STACK - 32)).isEqualTo(0x8);
    assertThat(memory.readLong(STACK - 24)).isEqualTo(0x346);
    assertThat(memory.readLong(STACK - 16)).isEqualTo(STACK + 5);
    assertThat(memory.readLong(STACK - 8)).isEqualTo(0x10);
  }

  @Test
  void handlerWithAStackOfItsOwnGetsIt() {
    Ring3State believed = new Ring3State(state);
    believed.taskState = 0x4000;
    memory.writeLong(0x4000 + 36 + 8, 0x4800);
    memory.writeLong(TABLE + 6 * 16, 0x8e02_0008_5678L); // stack 2
    assertThat(Ring3Exceptions.deliver(6, 0, state, believed, linear)).isTrue();
    assertThat(state.get(X86Register.RSP)).isEqualTo(0x4800 - 40);
  }

  @Test
  void exceptionWithoutAHandlerChangesNothing() {
    X86CpuState before = state.copy();
    assertThat(Ring3Exceptions.deliver(6, 0, state, new Ring3State(state), linear)).isFalse();
    assertThat(Ring3Exceptions.deliver(255, 0, state, new Ring3State(state), linear)).isFalse();
    assertThat(state).hasToString(before.toString());
  }

  @Test
  void interruptReturnTakesBackWhatAnExceptionPushed() {
    Ring3State believed = new Ring3State(state);
    memory.writeLong(TABLE + 6 * 16, 0x8e00_0008_5678L);
    assertThat(Ring3Exceptions.deliver(6, 0, state, believed, linear)).isTrue();
    assertThat(execute("48cf", believed)).isEqualTo(Outcome.DONE);
    assertThat(state.get(X86Register.RIP)).isEqualTo(0x5000);
    assertThat(state.get(X86Register.RSP)).isEqualTo(STACK);
    assertThat(state.get(X86Register.RFLAGS)).isEqualTo(0x146); // interrupts stay off
  }

  @Test
  void tablesAreRememberedAndNotLoaded() {
    Ring3State believed = new Ring3State(state);
    memory.writeShort(0x4ff0, (short) 0x3f);
    memory.writeLong(0x4ff2, 0x4000);
    memory.writeLong(0x4018, 0x5600_8912_3456_0067L);
    memory.writeLong(0x4020, 0x7f);
    state.set(X86Register.RDI, 0x4ff0).set(X86Register.RAX, 0x18);
    assertThat(execute("0f0117", believed)).isEqualTo(Outcome.DONE); // lgdt (%rdi)
    assertThat(execute("0f00d8", believed)).isEqualTo(Outcome.DONE); // ltr %ax
    assertThat(believed.gdtBase).isEqualTo(0x4000);
    assertThat(believed.taskState).isEqualTo(0x7f_5612_3456L);
    assertThat(state.get(X86Register.GDT_BASE)).isZero();
    assertThat(state.get(X86Register.RIP)).isEqualTo(0x5006);
  }

  @Test
  void segmentTakesItsBaseFromItsDescriptor() {
    Ring3State believed = new Ring3State(state);
    believed.gdtBase = 0x4000;
    believed.gdtLimit = 0x1f;
    memory.writeLong(0x4018, 0x56cf_9312_3456_ffffL);
    state.set(X86Register.RAX, 0x18);
    assertThat(execute("8ee0", believed)).isEqualTo(Outcome.DONE); // mov %eax, %fs
    assertThat(state.segment(X86Segment.Name.FS).base()).isEqualTo(0x5612_3456);
    believed.gdtBase = 1L << 40;
    assertThat(execute("8ee8", believed)).isEqualTo(Outcome.FAULTED); // mov %eax, %gs
  }

  @Property(tries = 200)
  void anythingIsCarriedOutOrRefused(@ForAll long seed) {
    Random random = new Random(seed);
    memory.restrict(List.of(new Region(0x8000, 0x1000, Protection.READ_ONLY)));
    for (long gpa = 0x1000; gpa < memory.byteSize(); gpa += 8) {
      long value = random.nextBoolean() ? random.nextLong() : (random.nextLong() & 0x1ffff) | 3;
      memory.unrestricted().set(ValueLayout.JAVA_LONG, gpa, value);
    }
    for (X86Register register : X86Register.values()) {
      state.set(register, random.nextBoolean() ? random.nextLong() : random.nextLong() & 0x1ffff);
    }
    if (random.nextInt(4) > 0) {
      map();
    }
    byte[] before = protectedPage();
    Ring3State believed = new Ring3State(state);
    for (int i = 0; i < 50; i++) {
      Kind kind = Kind.values()[random.nextInt(Kind.values().length)];
      PrivilegedInstruction instruction =
          new PrivilegedInstruction(
              kind,
              3,
              kind == Kind.MOV_FROM_CONTROL || random.nextBoolean(),
              0,
              random.nextInt(16));
      PrivilegedInstruction any =
          instruction.isRegister()
              ? instruction
              : new PrivilegedInstruction(kind, 3, false, random.nextLong() & 0x1ffff, 2);
      assertThat(new Ring3Instructions(state, believed, linear).execute(any)).isNotNull();
      boolean _ =
          Ring3Exceptions.deliver(random.nextInt(256), random.nextInt(), state, believed, linear);
      state.set(X86Register.RIP, random.nextLong() & 0x1ffff);
    }
    assertThat(protectedPage()).isEqualTo(before);
  }

  private byte[] protectedPage() {
    return memory.unrestricted().asSlice(0x8000, 0x1000).toArray(ValueLayout.JAVA_BYTE);
  }
}
