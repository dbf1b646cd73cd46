// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.decode;

import dev.tealight.softcpu.internal.cpu.Operation;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * All opcodes, by map, mandatory prefix, opcode byte and, where an opcode is a group, ModRM byte.
 *
 * <p>Entries are written as the manual heads its instruction pages:
 *
 * <pre>
 * 66 0F 6F       mandatory prefix (NP, 66, F3 or F2; none means any), escape bytes, opcode
 * 50+r  70+cc    eight opcodes, one per register; sixteen, one per condition
 * 80 /0          ModRM.reg selects; "mem" and "reg" restrict it to memory or register forms
 * 0F 01 =F8      exactly this ModRM byte
 * VEX NP 0F38 F2 VEX-encoded, with vector length 0
 * end            the block of decoded instructions ends here
 * lock           LOCK is allowed
 * d64 f64        64-bit operand size by default, or always, in 64-bit code
 * o64 i64        only in 64-bit code, never in 64-bit code
 * x87 mmx sse    needs that unit, where the operands do not say it
 * </pre>
 */
final class OpcodeTable {
  static final int MAP_ONE_BYTE = 0;
  static final int MAP_0F = 1;
  static final int MAP_0F38 = 2;
  static final int MAP_0F3A = 3;
  static final int VEX_MAPS = 4; // VEX map m is at VEX_MAPS + m

  static final int PREFIX_NONE = 0;
  static final int PREFIX_66 = 1;
  static final int PREFIX_F3 = 2;
  static final int PREFIX_F2 = 3;
  private static final int PREFIX_ANY = 4;
  private static final int PREFIXES = 5;

  /** One opcode, or the 72 variants a ModRM byte selects: 8 for memory, 64 for registers. */
  private static final class Slot {
    @Nullable Opcode plain;
    @Nullable Opcode @Nullable [] byModRm;
  }

  private final @Nullable Slot[][] maps = new Slot[8][PREFIXES * 256];

  void define(String key, String text, Operation operation) {
    new Definition(key, text, operation).store();
  }

  /** Returns the entry, or null; {@code modRm} is -1 as long as it has not been read. */
  @Nullable Opcode find(int map, int prefix, int opcode, int modRm) {
    Opcode found = find(maps[map][prefix * 256 + opcode], modRm);
    return found != null ? found : find(maps[map][PREFIX_ANY * 256 + opcode], modRm);
  }

  private static @Nullable Opcode find(@Nullable Slot slot, int modRm) {
    if (slot == null) {
      return null;
    }
    @Nullable Opcode[] variants = slot.byModRm;
    if (variants != null && modRm >= 0) {
      Opcode variant = variants[modRm < 0xC0 ? modRm >>> 3 & 7 : 8 + (modRm & 63)];
      if (variant != null) {
        return variant;
      }
    }
    return slot.plain;
  }

  /** Returns whether the ModRM byte must be read to know which instruction it is. */
  boolean isGroup(int map, int prefix, int opcode) {
    Slot special = maps[map][prefix * 256 + opcode];
    Slot any = maps[map][PREFIX_ANY * 256 + opcode];
    return (special != null && special.byModRm != null) || (any != null && any.byModRm != null);
  }

  private final class Definition {
    private final String text;
    private final Operation operation;
    private int map = MAP_ONE_BYTE;
    private int prefix = PREFIX_ANY;
    private int opcode = -1;
    private int count = 1;
    private int group = -1;
    private int exactModRm = -1;
    private boolean memoryForms = true;
    private boolean registerForms = true;
    private boolean vex;
    private boolean escaped;
    private boolean endsBlock;
    private boolean lockable;
    private Opcode.Width width = Opcode.Width.NORMAL;
    private Opcode.Modes modes = Opcode.Modes.ALL;
    private Opcode.Unit unit = Opcode.Unit.INTEGER;

    Definition(String key, String text, Operation operation) {
      this.text = text;
      this.operation = operation;
      for (String token : key.split(" ", -1)) {
        parse(token);
      }
    }

    private void parse(String token) {
      if (escaped && opcode < 0) {
        parseOpcode(token); // may look like a prefix or an escape byte
        return;
      }
      switch (token) {
        case "VEX" -> {
          vex = true;
          map = VEX_MAPS;
        }
        case "NP" -> prefix = PREFIX_NONE;
        case "F3" -> prefix = PREFIX_F3;
        case "F2" -> prefix = PREFIX_F2;
        case "66" -> prefix = PREFIX_66;
        case "0F" -> map = map(MAP_0F);
        case "0F38" -> map = map(MAP_0F38);
        case "0F3A" -> map = map(MAP_0F3A);
        case "mem" -> registerForms = false;
        case "reg" -> memoryForms = false;
        case "end" -> endsBlock = true;
        case "lock" -> lockable = true;
        case "d64" -> width = Opcode.Width.DEFAULT_64;
        case "f64" -> width = Opcode.Width.FORCED_64;
        case "o64" -> modes = Opcode.Modes.ONLY_64;
        case "i64" -> modes = Opcode.Modes.NOT_64;
        case "x87" -> unit = Opcode.Unit.X87;
        case "mmx" -> unit = Opcode.Unit.MMX;
        case "sse" -> unit = Opcode.Unit.SSE;
        default -> parseOpcode(token);
      }
    }

    private int map(int number) {
      escaped = true;
      return vex ? VEX_MAPS + number : number;
    }

    private void parseOpcode(String token) {
      if (token.startsWith("/")) {
        group = token.charAt(1) - '0';
      } else if (token.startsWith("=")) {
        exactModRm = Integer.parseInt(token.substring(1), 16);
      } else {
        opcode = Integer.parseInt(token.substring(0, 2), 16);
        count = token.endsWith("+r") ? 8 : token.endsWith("+cc") ? 16 : 1;
      }
    }

    void store() {
      List<Operand> operands = new ArrayList<>();
      boolean mmx = unit == Opcode.Unit.MMX;
      int space = text.indexOf(' ');
      if (space > 0) {
        for (String operand : text.substring(space + 1).split(",", -1)) {
          Operand parsed = Operand.parse(operand);
          operands.add(parsed);
          mmx |= parsed.unit() == Opcode.Unit.MMX;
          if (parsed.unit().compareTo(unit) > 0) {
            unit = parsed.unit();
          }
        }
      }
      boolean byModRm = group >= 0 || exactModRm >= 0 || !memoryForms || !registerForms;
      boolean modRm = byModRm;
      for (Operand operand : operands) { // not a stream, which is a part of every cold start
        modRm |= operand.needsModRm();
      }
      Opcode entry =
          new Opcode(
              text,
              List.copyOf(operands),
              mmx ? waiting(operation) : operation,
              modRm,
              endsBlock,
              lockable,
              width,
              modes,
              unit);
      for (int i = 0; i < count; i++) {
        Slot slot = slot(opcode + i);
        if (byModRm) {
          storeVariants(slot, entry);
        } else {
          slot.plain = entry;
        }
      }
    }

    /** MMX instructions, too, first raise the exception of an earlier x87 instruction. */
    private static Operation waiting(Operation operation) {
      return (cpu, insn) -> {
        cpu.x87.raisePending();
        operation.execute(cpu, insn);
      };
    }

    private Slot slot(int number) {
      int index = prefix * 256 + number;
      Slot slot = maps[map][index];
      if (slot == null) {
        slot = new Slot();
        maps[map][index] = slot;
      }
      return slot;
    }

    private void storeVariants(Slot slot, Opcode entry) {
      @Nullable Opcode[] variants = slot.byModRm;
      if (variants == null) {
        variants = new Opcode[72];
        slot.byModRm = variants;
      }
      if (exactModRm >= 0) {
        variants[8 + (exactModRm & 63)] = entry;
        return;
      }
      for (int reg = 0; reg < 8; reg++) {
        if (group >= 0 && group != reg) {
          continue;
        }
        if (memoryForms) {
          variants[reg] = entry;
        }
        for (int rm = 0; registerForms && rm < 8; rm++) {
          variants[8 + reg * 8 + rm] = entry;
        }
      }
    }
  }
}
