// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.cpu;

import dev.tealight.softcpu.internal.memory.Access;
import dev.tealight.softcpu.internal.memory.PhysicalSpace;
import java.lang.foreign.MemorySegment;

/**
 * The way out of the processor: accesses outside RAM, ports, and accesses the machine forbids.
 *
 * <p>An instruction may make several such accesses. Each leaves the instruction before it changed
 * anything; once the monitor has answered, the instruction starts over, and the accesses it made
 * before are answered from a log.
 */
public final class Outside implements PhysicalSpace {
  /** FXSAVE makes 64 accesses of 8 bytes; unaligned ones are split into bytes. */
  private static final int MAX_ACCESSES = 512;

  private final Ram ram;
  private final ExitState exit;
  private final ExitSignal signal = new ExitSignal();
  private final long[] answers = new long[MAX_ACCESSES];
  private int answered;
  private int cursor;

  Outside(Ram ram, ExitState exit) {
    this.ram = ram;
    this.exit = exit;
  }

  @Override
  public MemorySegment ram() {
    return ram.segment();
  }

  @Override
  public int permissions(long gpa) {
    return ram.permissions(gpa);
  }

  @Override
  public long readOutside(long gpa, int byteSize) {
    if (cursor < answered) {
      return answers[cursor++];
    }
    exit.gpa = gpa;
    throw leave(ExitReason.MEMORY_READ, byteSize, 0);
  }

  @Override
  public void writeOutside(long gpa, int byteSize, long value) {
    if (cursor < answered) {
      cursor++;
      return;
    }
    exit.gpa = gpa;
    throw leave(ExitReason.MEMORY_WRITE, byteSize, value);
  }

  /** Reads a port for a string instruction. */
  public long readPort(int port, int byteSize) {
    if (cursor < answered) {
      return answers[cursor++];
    }
    exit.port = port;
    throw leave(ExitReason.PORT_READ, byteSize, 0);
  }

  /** Writes a port for a string instruction. */
  public void writePort(int port, int byteSize, long value) {
    if (cursor < answered) {
      cursor++;
      return;
    }
    exit.port = port;
    throw leave(ExitReason.PORT_WRITE, byteSize, value);
  }

  private ExitSignal leave(ExitReason reason, int byteSize, long value) {
    exit.reason = reason;
    exit.size = byteSize;
    exit.value = value & -1L >>> (64 - 8 * byteSize);
    return signal;
  }

  @Override
  public RuntimeException violation(long gpa, long address, int access) {
    exit.reason = ExitReason.VIOLATION;
    exit.gpa = gpa;
    exit.address = address;
    exit.access = access;
    exit.size = access == Access.EXECUTE ? 1 : 0;
    return signal;
  }

  /** Records the monitor's answer to the access that caused the last exit. */
  public void answer(long value) {
    if (answered == MAX_ACCESSES) {
      throw new IllegalStateException("instruction makes more than 512 accesses outside RAM");
    }
    answers[answered++] = value;
  }

  /** The instruction starts, or starts over. */
  public void restart() {
    cursor = 0;
  }

  /** What was done so far will not be done again. */
  public void commit() {
    answered = 0;
    cursor = 0;
  }
}
