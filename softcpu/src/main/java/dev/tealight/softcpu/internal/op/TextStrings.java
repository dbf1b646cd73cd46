// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.op;

import dev.tealight.softcpu.internal.cpu.Cpu;
import dev.tealight.softcpu.internal.cpu.Flags;
import dev.tealight.softcpu.internal.cpu.Insn;
import dev.tealight.softcpu.internal.cpu.Sse;

/** SSE4.2 string comparison (Intel SDM volume 2, section 4.1). */
public final class TextStrings {
  private static final int EQUAL_ANY = 0;
  private static final int RANGES = 1;
  private static final int EQUAL_EACH = 2;

  private TextStrings() {}

  /** One comparison: the operands, and what the control byte asks for. */
  private record Comparison(
      long leftLow,
      long leftHigh,
      long rightLow,
      long rightHigh,
      int control,
      int left,
      int right) {

    boolean words() {
      return (control & 1) != 0;
    }

    int lanes() {
      return words() ? 8 : 16;
    }

    int leftAt(int index) {
      return lane(leftLow, leftHigh, index);
    }

    int rightAt(int index) {
      return lane(rightLow, rightHigh, index);
    }

    private int lane(long low, long high, int index) {
      int perHalf = lanes() / 2;
      int bits = 64 / perHalf;
      long value = (index < perHalf ? low : high) >>> ((index & perHalf - 1) * bits);
      boolean signed = (control & 2) != 0;
      if (words()) {
        return signed ? (short) value : (int) value & 0xFFFF;
      }
      return signed ? (byte) value : (int) value & 0xFF;
    }

    /** Returns a bit per lane of the right operand, before the polarity. */
    int bits() {
      int result = 0;
      for (int i = 0; i < lanes(); i++) {
        boolean set =
            switch (control >>> 2 & 3) {
              case EQUAL_ANY -> i < right && matchesAny(i);
              case RANGES -> i < right && inRange(i);
              case EQUAL_EACH -> matchesEach(i);
              default -> startsAt(i);
            };
        result |= set ? 1 << i : 0;
      }
      return result;
    }

    private boolean matchesAny(int index) {
      for (int j = 0; j < left; j++) {
        if (leftAt(j) == rightAt(index)) {
          return true;
        }
      }
      return false;
    }

    private boolean inRange(int index) {
      int value = rightAt(index);
      for (int j = 0; j + 1 < left; j += 2) {
        if (value >= leftAt(j) && value <= leftAt(j + 1)) {
          return true;
        }
      }
      return false;
    }

    private boolean matchesEach(int index) {
      boolean leftEnded = index >= left;
      boolean rightEnded = index >= right;
      return (leftEnded || rightEnded) ? leftEnded && rightEnded : leftAt(index) == rightAt(index);
    }

    private boolean startsAt(int index) {
      for (int j = 0; j < left && index + j < lanes(); j++) {
        if (index + j >= right || leftAt(j) != rightAt(index + j)) {
          return false;
        }
      }
      return true;
    }

    /** Returns the bits after the polarity. */
    int result() {
      int bits = bits();
      int all = (1 << lanes()) - 1;
      return switch (control >>> 4 & 3) {
        case 1 -> ~bits & all;
        case 3 -> bits ^ (1 << Math.min(right, lanes())) - 1;
        default -> bits;
      };
    }
  }

  private static Comparison comparison(Cpu cpu, Insn insn, boolean explicit) {
    int control = (int) insn.immediate() & 0xFF;
    long rightLow;
    long rightHigh;
    if (insn.src() >= 0) {
      rightLow = cpu.sse.low(insn.src());
      rightHigh = cpu.sse.high(insn.src());
    } else {
      long address = cpu.address(insn, 16, false); // need not be aligned
      rightLow = cpu.memory.loadLong(address);
      rightHigh = cpu.memory.loadLong(address + 8);
    }
    Sse sse = cpu.sse;
    long leftLow = sse.low(insn.dst());
    long leftHigh = sse.high(insn.dst());
    boolean words = (control & 1) != 0;
    int left;
    int right;
    if (explicit) {
      int size = (insn.prefixes() & Insn.REX_W) != 0 ? 8 : 4;
      left = explicitLength(cpu.register(Cpu.RAX, size), words);
      right = explicitLength(cpu.register(Cpu.RDX, size), words);
    } else {
      left = implicitLength(leftLow, leftHigh, words);
      right = implicitLength(rightLow, rightHigh, words);
    }
    return new Comparison(leftLow, leftHigh, rightLow, rightHigh, control, left, right);
  }

  private static int explicitLength(long value, boolean words) {
    int lanes = words ? 8 : 16;
    return value > -lanes && value < lanes ? (int) Math.abs(value) : lanes;
  }

  private static int implicitLength(long low, long high, boolean words) {
    int lanes = words ? 8 : 16;
    int bits = 128 / lanes;
    long mask = (1L << bits) - 1;
    for (int i = 0; i < lanes; i++) {
      long half = i < lanes / 2 ? low : high;
      if ((half >>> ((i & lanes / 2 - 1) * bits) & mask) == 0) {
        return i;
      }
    }
    return lanes;
  }

  private static void setFlags(Cpu cpu, Comparison comparison, int result) {
    int lanes = comparison.lanes();
    cpu.flags.arithmetic(
        (result != 0 ? Flags.CF : 0)
            | (comparison.right() < lanes ? Flags.ZF : 0)
            | (comparison.left() < lanes ? Flags.SF : 0)
            | ((result & 1) != 0 ? Flags.OF : 0));
  }

  private static void index(Cpu cpu, Insn insn, boolean explicit) {
    Comparison comparison = comparison(cpu, insn, explicit);
    int result = comparison.result();
    boolean last = (comparison.control() & 0x40) != 0;
    int index;
    if (result == 0) {
      index = comparison.lanes();
    } else if (last) {
      index = 31 - Integer.numberOfLeadingZeros(result);
    } else {
      index = Integer.numberOfTrailingZeros(result);
    }
    cpu.gpr[Cpu.RCX] = index;
    setFlags(cpu, comparison, result);
  }

  private static void mask(Cpu cpu, Insn insn, boolean explicit) {
    Comparison comparison = comparison(cpu, insn, explicit);
    int result = comparison.result();
    boolean spread = (comparison.control() & 0x40) != 0;
    if (!spread) {
      cpu.sse.set(0, result, 0);
    } else if (comparison.words()) {
      cpu.sse.set(0, spread(result, 16), spread(result >>> 4, 16));
    } else {
      cpu.sse.set(0, spread(result, 8), spread(result >>> 8, 8));
    }
    setFlags(cpu, comparison, result);
  }

  private static long spread(int bits, int laneBits) {
    long value = 0;
    for (int i = 0; i * laneBits < 64; i++) {
      if ((bits >>> i & 1) != 0) {
        value |= (-1L >>> (64 - laneBits)) << (i * laneBits);
      }
    }
    return value;
  }

  public static void pcmpestri(Cpu cpu, Insn insn) {
    index(cpu, insn, true);
  }

  public static void pcmpistri(Cpu cpu, Insn insn) {
    index(cpu, insn, false);
  }

  public static void pcmpestrm(Cpu cpu, Insn insn) {
    mask(cpu, insn, true);
  }

  public static void pcmpistrm(Cpu cpu, Insn insn) {
    mask(cpu, insn, false);
  }
}
