// SPDX-License-Identifier: ISC
package dev.tealight;

import java.util.Arrays;
import java.util.Objects;

/**
 * The integer, control and segment registers of an x86-64 vCPU. All zero and {@link
 * X86Segment#UNUSABLE} when created; not thread-safe.
 */
public final class X86CpuState implements CpuState {
  private static final X86Register[] REGISTERS = X86Register.values();

  private final long[] registers = new long[REGISTERS.length];
  private final X86Segment[] segments = new X86Segment[X86Segment.Name.values().length];

  /** Creates a state with every register 0 and every segment unusable. */
  public X86CpuState() {
    Arrays.fill(segments, X86Segment.UNUSABLE);
  }

  /**
   * {@return the value of a register}
   *
   * @param register which one
   */
  public long get(X86Register register) {
    return registers[register.ordinal()];
  }

  /**
   * Sets a register.
   *
   * @param register which one
   * @param value 64 bits
   * @return this
   */
  public X86CpuState set(X86Register register, long value) {
    registers[register.ordinal()] = value;
    return this;
  }

  /**
   * {@return a segment register}
   *
   * @param name which one
   */
  public X86Segment segment(X86Segment.Name name) {
    return segments[name.ordinal()];
  }

  /**
   * Sets a segment register.
   *
   * @param name which one
   * @param segment selector and hidden part
   * @return this
   */
  public X86CpuState set(X86Segment.Name name, X86Segment segment) {
    segments[name.ordinal()] = Objects.requireNonNull(segment, "segment");
    return this;
  }

  @Override
  public long instructionPointer() {
    return get(X86Register.RIP);
  }

  @Override
  public X86CpuState copy() {
    X86CpuState copy = new X86CpuState();
    System.arraycopy(registers, 0, copy.registers, 0, registers.length);
    System.arraycopy(segments, 0, copy.segments, 0, segments.length);
    return copy;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof X86CpuState that
        && Arrays.equals(registers, that.registers)
        && Arrays.equals(segments, that.segments);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(registers) + Arrays.hashCode(segments);
  }

  /** {@return the registers that are not zero, as {@code RIP=0x100020 RSP=0x…}} */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    for (X86Register register : REGISTERS) {
      if (get(register) != 0) {
        text.append(text.isEmpty() ? "" : " ")
            .append(register)
            .append("=0x")
            .append(Long.toHexString(get(register)));
      }
    }
    return text.toString();
  }
}
