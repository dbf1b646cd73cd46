// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.differential;

import dev.tealight.softcpu.internal.differential.Encoder.Operand;
import java.util.ArrayList;
import java.util.List;

/** Instructions for random cases, by group. */
final class Templates {
  static final int CF = 1;
  static final int PF = 4;
  static final int AF = 0x10;
  static final int ZF = 0x40;
  static final int SF = 0x80;
  static final int OF = 0x800;
  static final int ALL = CF | PF | AF | ZF | SF | OF;

  /** Emits one instruction. */
  @FunctionalInterface
  interface Body {
    void emit(Encoder encoder);
  }

  /**
   * One instruction with random operands.
   *
   * @param name for messages
   * @param readsFlags whether its result depends on flags
   * @param defines flags that are certain afterwards
   * @param undefines flags that may be anything afterwards
   * @param body writes it
   */
  record Template(String name, boolean readsFlags, int defines, int undefines, Body body) {}

  private final List<Template> templates = new ArrayList<>();

  private void add(String name, boolean reads, int defines, int undefines, Body body) {
    templates.add(new Template(name, reads, defines, undefines, body));
  }

  /** An integer instruction with ModRM in all operand sizes; {@code opcode} is the 8-bit form. */
  private static void sized(Encoder e, String byteForm, String form, int reg, int rm, Operand o) {
    switch (e.below(4)) {
      case 0 -> {
        boolean rex = e.chance(50);
        e.emit(byteForm, reg, rm, false, o, rex || (reg > 3 && reg < 8) || (rm > 3 && rm < 8), 1);
      }
      case 1 -> e.emit("66" + form, reg, rm, false, o, false, 1);
      case 2 -> e.emit(form, reg, rm, false, o, false, 1);
      default -> e.emit(form, reg, rm, true, o, false, 1);
    }
  }

  private static void wide(Encoder e, String form, int reg, int rm, Operand o) {
    switch (e.below(3)) {
      case 0 -> e.emit("66" + form, reg, rm, false, o, false, 1);
      case 1 -> e.emit(form, reg, rm, false, o, false, 1);
      default -> e.emit(form, reg, rm, true, o, false, 1);
    }
  }

  private static String hex(int opcode) {
    return String.format("%02X", opcode);
  }

  static List<Template> integer() {
    Templates t = new Templates();
    String[] names = {"add", "or", "adc", "sbb", "and", "sub", "xor", "cmp"};
    for (int i = 0; i < 8; i++) {
      int op = i * 8;
      boolean carry = i == 2 || i == 3;
      int undefined = i == 1 || i == 4 || i == 6 ? AF : 0;
      t.add(
          names[i],
          carry,
          ALL & ~undefined,
          undefined,
          e -> {
            int direction = e.below(2) * 2;
            sized(
                e,
                hex(op + direction),
                hex(op + direction + 1),
                e.target(),
                e.target(),
                Operand.EITHER);
          });
      int number = i;
      t.add(
          names[i] + " imm",
          carry,
          ALL & ~undefined,
          undefined,
          e -> {
            int rm = e.target();
            boolean rex = rm > 3;
            if (e.chance(30)) {
              e.emit("80", number, rm, false, Operand.EITHER, rex, 1);
              e.immediate(1);
            } else if (e.chance(50)) {
              wide(e, "83", number, rm, Operand.EITHER);
              e.immediate(1);
            } else {
              e.emit("81", number, rm, e.chance(50), Operand.EITHER, false, 1);
              e.immediate(4);
            }
          });
    }
    t.add("inc", true, ALL & ~CF, 0, e -> sized(e, "FE", "FF", 0, e.target(), Operand.EITHER));
    t.add("dec", true, ALL & ~CF, 0, e -> sized(e, "FE", "FF", 1, e.target(), Operand.EITHER));
    t.add("not", false, 0, 0, e -> sized(e, "F6", "F7", 2, e.target(), Operand.EITHER));
    t.add("neg", false, ALL, 0, e -> sized(e, "F6", "F7", 3, e.target(), Operand.EITHER));
    t.add(
        "test",
        false,
        ALL & ~AF,
        AF,
        e -> sized(e, "84", "85", e.target(), e.target(), Operand.EITHER));
    t.add(
        "xadd",
        false,
        ALL,
        0,
        e -> sized(e, "0FC0", "0FC1", e.target(), e.target(), Operand.EITHER));
    t.add(
        "cmpxchg",
        false,
        ALL,
        0,
        e -> sized(e, "0FB0", "0FB1", e.target(), e.target(), Operand.EITHER));
    t.add(
        "cmpxchg16b",
        false,
        0,
        0,
        e -> e.emit("0FC7", 1, 0, e.chance(50), Operand.MEMORY, false, 16));
    t.add("xchg", false, 0, 0, e -> sized(e, "86", "87", e.target(), e.target(), Operand.EITHER));
    t.add(
        "mov",
        false,
        0,
        0,
        e ->
            sized(
                e,
                e.chance(50) ? "88" : "8A",
                e.chance(50) ? "89" : "8B",
                e.target(),
                e.target(),
                Operand.EITHER));
    t.add(
        "movzx",
        false,
        0,
        0,
        e -> wide(e, e.chance(50) ? "0FB6" : "0FB7", e.target(), e.target(), Operand.MEMORY));
    t.add(
        "movsx",
        false,
        0,
        0,
        e -> wide(e, e.chance(50) ? "0FBE" : "0FBF", e.target(), e.target(), Operand.EITHER));
    t.add("movsxd", false, 0, 0, e -> wide(e, "63", e.target(), e.target(), Operand.EITHER));
    t.add("lea", false, 0, 0, e -> wide(e, "8D", e.target(), 0, Operand.MEMORY));
    t.add(
        "cmov",
        true,
        0,
        0,
        e -> wide(e, "0F" + hex(0x40 + e.below(16)), e.target(), e.target(), Operand.EITHER));
    t.add(
        "setcc",
        true,
        0,
        0,
        e -> e.emit("0F" + hex(0x90 + e.below(16)), 0, e.target(), false, Operand.EITHER, true, 1));
    t.add("high bytes", false, ALL, 0, e -> e.test.emit(0x00, 0xC0 | e.below(64)));
    t.add("lahf", true, 0, 0, e -> e.test.emit(0x9F));
    t.add("sahf", false, ALL & ~OF, 0, e -> e.test.emit(0x9E));
    t.add("cbw", false, 0, 0, e -> e.test.emit(0x40 | e.below(2) * 8, 0x98));
    t.add("cwd", false, 0, 0, e -> e.test.emit(0x40 | e.below(2) * 8, 0x99));
    t.add("carry", true, CF, 0, e -> e.test.emit(new int[] {0xF5, 0xF8, 0xF9}[e.below(3)]));
    t.add("direction", false, 0, 0, e -> e.test.emit(0xFC + e.below(2)));
    t.add(
        "push pop",
        false,
        0,
        0,
        e -> {
          e.test.emit(0x50 + e.below(4));
          e.test.emit(0x58 + e.below(3));
        });
    t.add("pushf", true, 0, 0, e -> e.test.emit(0x9C));
    t.add(
        "enter leave",
        false,
        0,
        0,
        e -> e.test.emit(0x48, 0x89, 0xE5, 0xC8, e.below(64), 0, e.below(4), 0xC9));
    t.add("jcc", true, 0, 0, e -> e.test.emit(0x70 + e.below(16), 2, 0x89, 0xC8));
    t.add("call", false, 0, 0, e -> e.test.emit(0xE8, 0, 0, 0, 0));
    t.add("loop", false, 0, 0, e -> e.test.emit(0xE2, 2, 0x89, 0xC8));
    t.add("bswap", false, 0, 0, e -> e.test.emit(0x40 | e.below(2) * 8, 0x0F, 0xC8 + e.below(3)));
    t.add("string", true, 0, 0, Templates::string);
    return t.templates;
  }

  private static void string(Encoder e) {
    boolean wideElement = e.chance(30);
    int[] opcodes = {0xA4, 0xAA, 0xAC, 0xA5, 0xAB, 0xAD};
    if (e.chance(50)) {
      // RCX small, so that the page is not left
      e.test.emit(0xB9, e.below(40), 0, 0, 0, e.chance(70) ? 0xF3 : 0xF2);
    }
    if (wideElement) {
      e.test.emit(0x48);
    }
    e.test.emit(opcodes[e.below(opcodes.length)]);
  }

  static List<Template> comparingStrings() {
    Templates t = new Templates();
    t.add(
        "scas cmps",
        true,
        0,
        0,
        e -> {
          int[] opcodes = {0xA6, 0xA7, 0xAE, 0xAF};
          e.test.emit(0xB9, e.below(40), 0, 0, 0);
          e.test.emit(0x39, 0xC8);
          e.test.emit(e.chance(50) ? 0xF3 : 0xF2, opcodes[e.below(4)]);
        });
    return t.templates;
  }

  static List<Template> shifts() {
    Templates t = new Templates();
    String[] names = {"rol", "ror", "rcl", "rcr", "shl", "shr", "shl", "sar"};
    for (int i = 0; i < 8; i++) {
      int reg = i;
      boolean rotate = i < 4;
      int undefined = rotate ? OF : OF | AF;
      t.add(
          names[i] + " cl",
          true,
          0,
          undefined | (rotate ? 0 : CF),
          e -> sized(e, "D2", "D3", reg, e.target(), Operand.EITHER));
      t.add(
          names[i] + " 1",
          rotate,
          rotate ? CF | OF : ALL & ~AF,
          rotate ? 0 : AF,
          e -> sized(e, "D0", "D1", reg, e.target(), Operand.EITHER));
      t.add(
          names[i] + " imm",
          true,
          0,
          undefined | (rotate ? 0 : CF),
          e -> {
            sized(e, "C0", "C1", reg, e.target(), Operand.EITHER);
            e.immediate(1);
          });
      t.add(
          names[i] + " wide",
          true,
          0,
          undefined,
          e -> {
            e.emit("C1", reg, e.target(), e.chance(50), Operand.EITHER, false, 1);
            e.immediate(1);
          });
    }
    for (String opcode : new String[] {"0FA4", "0FAC"}) {
      t.add(
          "shld imm",
          true,
          0,
          OF | AF,
          e -> {
            e.emit(opcode, e.target(), e.target(), e.chance(50), Operand.EITHER, false, 1);
            e.immediate(1);
          });
    }
    for (String opcode : new String[] {"0FA5", "0FAD"}) {
      t.add(
          "shld cl",
          true,
          0,
          OF | AF,
          e -> e.emit(opcode, e.target(), e.target(), e.chance(50), Operand.EITHER, false, 1));
    }
    int others = ALL & ~(CF | OF);
    t.add("mul", false, CF | OF, others, e -> sized(e, "F6", "F7", 4, e.target(), Operand.EITHER));
    t.add(
        "imul1", false, CF | OF, others, e -> sized(e, "F6", "F7", 5, e.target(), Operand.EITHER));
    t.add(
        "imul2",
        false,
        CF | OF,
        others,
        e -> wide(e, "0FAF", e.target(), e.target(), Operand.EITHER));
    t.add(
        "imul3",
        false,
        CF | OF,
        others,
        e -> {
          wide(e, "6B", e.target(), e.target(), Operand.EITHER);
          e.immediate(1);
        });
    t.add(
        "div",
        false,
        0,
        ALL,
        e -> {
          if (e.chance(70)) {
            e.test.emit(0x31, 0xD2); // XOR EDX,EDX: else nearly all overflow
          }
          sized(e, "F6", "F7", 6, e.target(), Operand.EITHER);
        });
    t.add(
        "idiv",
        false,
        0,
        ALL,
        e -> {
          if (e.chance(70)) {
            e.test.emit(0x48, 0x99);
          }
          sized(e, "F6", "F7", 7, e.target(), Operand.EITHER);
        });
    return t.templates;
  }

  static List<Template> bits() {
    Templates t = new Templates();
    int others = ALL & ~(CF | ZF);
    for (int i = 0; i < 4; i++) {
      int op = i * 8;
      t.add(
          "bt",
          true,
          CF,
          others,
          e -> wide(e, "0F" + hex(0xA3 + op), e.target(), e.target(), Operand.REGISTER));
      int reg = 4 + i;
      t.add(
          "bt imm",
          true,
          CF,
          others,
          e -> {
            wide(e, "0FBA", reg, e.target(), Operand.EITHER);
            e.immediate(1);
          });
    }
    t.add(
        "bt memory",
        true,
        CF,
        others,
        e -> {
          e.test.emit(0xB8, e.below(256), e.below(8), 0, 0); // MOV EAX, small
          e.emit("0F" + hex(0xA3 + e.below(4) * 8), 0, 0, e.chance(50), Operand.MEMORY, false, 1);
        });
    t.add(
        "popcnt",
        false,
        ALL,
        0,
        e -> e.emit("F30FB8", e.target(), e.target(), e.chance(50), Operand.EITHER, false, 1));
    t.add(
        "tzcnt",
        false,
        CF | ZF,
        others,
        e -> e.emit("F30FBC", e.target(), e.target(), e.chance(50), Operand.EITHER, false, 1));
    t.add(
        "lzcnt",
        false,
        CF | ZF,
        others,
        e -> e.emit("F30FBD", e.target(), e.target(), e.chance(50), Operand.EITHER, false, 1));
    t.add(
        "bsf",
        false,
        ZF,
        ALL & ~ZF,
        e -> {
          e.test.emit(0x48, 0x83, 0xC9, 0x01); // OR RCX,1: the result of 0 is undefined
          e.emit(
              e.chance(50) ? "0FBC" : "0FBD",
              e.target(),
              1,
              e.chance(50),
              Operand.REGISTER,
              false,
              1);
        });
    t.add(
        "movbe",
        false,
        0,
        0,
        e -> wide(e, e.chance(50) ? "0F38F0" : "0F38F1", e.target(), 0, Operand.MEMORY));
    t.add(
        "crc32",
        false,
        0,
        0,
        e ->
            e.emit(
                e.chance(50) ? "F20F38F0" : "F20F38F1",
                e.target(),
                e.below(4),
                e.chance(50),
                Operand.EITHER,
                false,
                1));
    t.add(
        "adcx",
        true,
        CF,
        0,
        e -> e.emit("660F38F6", e.target(), e.target(), e.chance(50), Operand.EITHER, false, 1));
    t.add(
        "adox",
        true,
        OF,
        0,
        e -> e.emit("F30F38F6", e.target(), e.target(), e.chance(50), Operand.EITHER, false, 1));
    vex(t, "andn", 0, 2, 0xF2, -1, ALL & ~(AF | PF), AF | PF);
    vex(t, "blsr", 0, 2, 0xF3, 1, CF | ZF | SF | OF, AF | PF);
    vex(t, "blsmsk", 0, 2, 0xF3, 2, CF | ZF | SF | OF, AF | PF);
    vex(t, "blsi", 0, 2, 0xF3, 3, CF | ZF | SF | OF, AF | PF);
    vex(t, "bzhi", 0, 2, 0xF5, -1, CF | ZF | SF | OF, AF | PF);
    vex(t, "pext", 2, 2, 0xF5, -1, 0, 0);
    vex(t, "pdep", 3, 2, 0xF5, -1, 0, 0);
    vex(t, "mulx", 3, 2, 0xF6, -1, 0, 0);
    vex(t, "bextr", 0, 2, 0xF7, -1, CF | ZF | OF, AF | PF | SF);
    vex(t, "shlx", 1, 2, 0xF7, -1, 0, 0);
    vex(t, "sarx", 2, 2, 0xF7, -1, 0, 0);
    vex(t, "shrx", 3, 2, 0xF7, -1, 0, 0);
    return t.templates;
  }

  /** Register form of a VEX instruction; {@code group} is ModRM.reg, or -1 if it is an operand. */
  private static void vex(
      Templates t, String name, int prefix, int map, int opcode, int group, int defines, int un) {
    t.add(
        name,
        false,
        defines,
        un,
        e -> {
          int reg = group >= 0 ? group : e.target();
          int rm = e.target();
          int vvvv = e.target();
          int w = e.below(2);
          e.test.emit(
              0xC4,
              (reg > 7 ? 0 : 0x80) | 0x40 | (rm > 7 ? 0 : 0x20) | map,
              w << 7 | (~vvvv & 15) << 3 | prefix,
              opcode,
              0xC0 | (reg & 7) << 3 | (rm & 7));
        });
  }

  // Vectors

  static List<Template> packed() {
    Templates t = new Templates();
    int[] both = {
      0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6A, 0x6B, 0x74, 0x75, 0x76,
      0xD1, 0xD2, 0xD3, 0xD4, 0xD5, 0xD8, 0xD9, 0xDA, 0xDB, 0xDC, 0xDD, 0xDE, 0xDF, 0xE0, 0xE1,
      0xE2, 0xE3, 0xE4, 0xE5, 0xE8, 0xE9, 0xEA, 0xEB, 0xEC, 0xED, 0xEE, 0xEF, 0xF1, 0xF2, 0xF3,
      0xF4, 0xF5, 0xF6, 0xF8, 0xF9, 0xFA, 0xFB, 0xFC, 0xFD, 0xFE
    };
    for (int opcode : both) {
      vector(t, "660F" + hex(opcode), 16, false);
      mmx(t, "0F" + hex(opcode), false);
    }
    for (int opcode = 0; opcode <= 0x0B; opcode++) {
      vector(t, "660F38" + hex(opcode), 16, false);
      mmx(t, "0F38" + hex(opcode), false);
    }
    for (int opcode = 0x1C; opcode <= 0x1E; opcode++) {
      vector(t, "660F38" + hex(opcode), 16, false);
      mmx(t, "0F38" + hex(opcode), false);
    }
    int[] only38 = {
      0x10, 0x14, 0x15, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x28, 0x29, 0x2B, 0x30, 0x31, 0x32,
      0x33, 0x34, 0x35, 0x37, 0x38, 0x39, 0x3A, 0x3B, 0x3C, 0x3D, 0x3E, 0x3F, 0x40, 0x41, 0xDB,
      0xDC, 0xDD, 0xDE, 0xDF
    };
    for (int opcode : only38) {
      vector(t, "660F38" + hex(opcode), 16, false);
    }
    for (int opcode : new int[] {0x0C, 0x0D, 0x0E, 0x0F, 0x42, 0x44, 0xDF}) {
      vector(t, "660F3A" + hex(opcode), 16, true);
    }
    t.add("ptest", false, ALL, 0, e -> xmm(e, "660F3817", 16));
    for (int opcode = 0x60; opcode <= 0x63; opcode++) {
      String form = "660F3A" + hex(opcode);
      t.add(
          "text " + form,
          false,
          ALL,
          0,
          e -> {
            xmm(e, form, 16);
            e.immediate(1);
          });
    }
    mmx(t, "0F3A0F", true);
    for (String form : new String[] {"660F70", "F20F70", "F30F70", "0FC6", "660FC6"}) {
      vector(t, form, 16, true);
    }
    mmx(t, "0F70", true);
    for (String form :
        new String[] {
          "660F6C", "660F6D", "0F14", "0F15", "660F14", "660F15", "660F6F", "F30F6F", "660F7F",
          "F30F7F", "0F28", "0F29", "0F10", "0F11", "F30F10", "F30F11", "F20F10", "F20F11",
          "F30F7E", "660FD6", "F20F12", "F30F12", "F30F16", "0F54", "0F55", "0F56", "0F57",
          "660F54", "660F55", "660F56", "660F57"
        }) {
      vector(t, form, 16, false);
    }
    for (String form : new String[] {"0F12", "0F16"}) {
      vector(t, form, 8, false);
    }
    moves(t);
    return t.templates;
  }

  /** On registers only: with operands in memory, processors of AMD do not ask for alignment. */
  static List<Template> sha() {
    Templates t = new Templates();
    for (int opcode = 0xC8; opcode <= 0xCD; opcode++) {
      String form = "0F38" + hex(opcode);
      t.add(form, false, 0, 0, e -> sha(e, form));
    }
    t.add(
        "0F3ACC",
        false,
        0,
        0,
        e -> {
          sha(e, "0F3ACC");
          e.immediate(1);
        });
    return t.templates;
  }

  private static void sha(Encoder e, String form) {
    e.emit(form, e.below(16), e.below(16), false, Operand.REGISTER, false, 1);
  }

  private static void moves(Templates t) {
    t.add(
        "movd",
        false,
        0,
        0,
        e ->
            e.emit(
                e.chance(50) ? "660F6E" : "660F7E",
                e.below(16),
                e.target(),
                e.chance(50),
                Operand.EITHER,
                false,
                8));
    t.add(
        "movd mmx",
        false,
        0,
        0,
        e ->
            e.emit(
                e.chance(50) ? "0F6E" : "0F7E",
                e.below(8),
                e.target(),
                e.chance(50),
                Operand.EITHER,
                false,
                8));
    t.add(
        "pmovmskb",
        false,
        0,
        0,
        e -> e.emit("660FD7", e.target(), e.below(16), false, Operand.REGISTER, false, 1));
    t.add(
        "movmskps",
        false,
        0,
        0,
        e ->
            e.emit(
                e.chance(50) ? "0F50" : "660F50",
                e.target(),
                e.below(16),
                false,
                Operand.REGISTER,
                false,
                1));
    t.add(
        "insert",
        false,
        0,
        0,
        e -> {
          String[] forms = {"660FC4", "660F3A20", "660F3A22", "660F3A22"};
          e.emit(
              forms[e.below(4)], e.below(16), e.target(), e.chance(30), Operand.EITHER, false, 1);
          e.immediate(1);
        });
    t.add(
        "insertps",
        false,
        0,
        0,
        e -> {
          e.emit("660F3A21", e.below(16), e.below(16), false, Operand.EITHER, false, 4);
          e.immediate(1);
        });
    t.add(
        "extract",
        false,
        0,
        0,
        e -> {
          String[] forms = {"660F3A14", "660F3A15", "660F3A16", "660F3A17"};
          e.emit(
              forms[e.below(4)], e.below(16), e.target(), e.chance(30), Operand.EITHER, false, 1);
          e.immediate(1);
        });
    t.add(
        "pextrw",
        false,
        0,
        0,
        e -> {
          e.emit("660FC5", e.target(), e.below(16), false, Operand.REGISTER, false, 1);
          e.immediate(1);
        });
    t.add(
        "shift imm",
        false,
        0,
        0,
        e -> {
          int[][] forms = {
            {0x71, 2}, {0x71, 4}, {0x71, 6}, {0x72, 2}, {0x72, 4}, {0x72, 6}, {0x73, 2}, {0x73, 3},
            {0x73, 6}, {0x73, 7}
          };
          int[] form = forms[e.below(forms.length)];
          e.emit("660F" + hex(form[0]), form[1], e.below(16), false, Operand.REGISTER, false, 1);
          e.test.emit(e.below(80));
        });
    t.add(
        "movq2dq",
        false,
        0,
        0,
        e ->
            e.emit(
                e.chance(50) ? "F30FD6" : "F20FD6",
                e.below(8),
                e.below(8),
                false,
                Operand.REGISTER,
                false,
                1));
  }

  private static void xmm(Encoder e, String form, int alignment) {
    e.emit(form, e.below(16), e.below(16), false, Operand.EITHER, false, alignment);
  }

  private static void vector(Templates t, String form, int alignment, boolean immediate) {
    t.add(
        form,
        false,
        0,
        0,
        e -> {
          xmm(e, form, alignment);
          if (immediate) {
            e.immediate(1);
          }
        });
  }

  private static void mmx(Templates t, String form, boolean immediate) {
    t.add(
        "mmx " + form,
        false,
        0,
        0,
        e -> {
          e.emit(form, e.below(8), e.below(8), false, Operand.EITHER, false, 8);
          if (immediate) {
            e.immediate(1);
          }
        });
  }

  static List<Template> floats() {
    Templates t = new Templates();
    for (int opcode : new int[] {0x51, 0x58, 0x59, 0x5C, 0x5D, 0x5E, 0x5F}) {
      for (String prefix : new String[] {"", "66", "F3", "F2"}) {
        vector(t, prefix + "0F" + hex(opcode), 16, false);
      }
    }
    for (String prefix : new String[] {"", "66", "F3", "F2"}) {
      String form = prefix + "0FC2";
      t.add(
          form,
          false,
          0,
          0,
          e -> {
            xmm(e, form, 16);
            e.test.emit(e.below(8));
          });
    }
    for (String form :
        new String[] {
          "0F5A", "660F5A", "F30F5A", "F20F5A", "0F5B", "660F5B", "F30F5B", "F30FE6", "F20FE6",
          "660FE6", "660FD0", "F20FD0", "660F7C", "F20F7C", "660F7D", "F20F7D"
        }) {
      vector(t, form, 16, false);
    }
    for (String form : new String[] {"0F2E", "660F2E", "0F2F", "660F2F"}) {
      t.add(form, false, ALL, 0, e -> xmm(e, form, 16));
    }
    for (int opcode = 8; opcode <= 11; opcode++) {
      String form = "660F3A" + hex(opcode);
      t.add(
          form,
          false,
          0,
          0,
          e -> {
            xmm(e, form, 16);
            e.test.emit(e.below(16));
          });
    }
    for (String form : new String[] {"F30F2A", "F20F2A"}) {
      t.add(
          form,
          false,
          0,
          0,
          e -> e.emit(form, e.below(16), e.target(), e.chance(50), Operand.EITHER, false, 8));
    }
    for (String form : new String[] {"F30F2C", "F30F2D", "F20F2C", "F20F2D"}) {
      t.add(
          form,
          false,
          0,
          0,
          e -> e.emit(form, e.target(), e.below(16), e.chance(50), Operand.EITHER, false, 8));
    }
    vector(t, "660F3A40", 16, true);
    vector(t, "660F3A41", 16, true);
    return t.templates;
  }

  static List<Template> x87() {
    Templates t = new Templates();
    for (int escape = 0xD8; escape <= 0xDF; escape++) {
      for (int reg = 0; reg < 8; reg++) {
        int first = escape;
        int field = reg;
        // Loading a control word might unmask exceptions, after which results are not comparable.
        boolean environment =
            (escape == 0xD9 && reg >= 4 && reg <= 6) || (escape == 0xDD && (reg == 4 || reg == 6));
        boolean exists =
            !((escape == 0xD9 && reg == 1)
                || (escape == 0xDB && (reg == 4 || reg == 6))
                || (escape == 0xDD && reg == 5));
        if (!environment && exists) {
          t.add(
              "x87 " + hex(escape) + " /" + reg,
              false,
              0,
              0,
              e -> e.emit(hex(first), field, 0, false, Operand.MEMORY, false, 1));
        }
        boolean flags = (escape == 0xDB || escape == 0xDF) && (reg == 5 || reg == 6);
        boolean plain = escape == 0xD8 || escape == 0xDC || (escape == 0xDE && reg != 3);
        boolean moves =
            (escape == 0xD9 && reg < 2)
                || (escape == 0xDA && reg < 4)
                || (escape == 0xDB && reg < 4)
                || (escape == 0xDD && (reg == 0 || (reg > 1 && reg < 6)));
        if (flags || plain || moves) {
          int conditions = escape == 0xDA || escape == 0xDB ? ALL : 0;
          t.add(
              "x87 " + hex(escape) + " reg /" + reg,
              conditions != 0 && !flags,
              flags ? ALL : 0,
              0,
              e -> e.test.emit(first, 0xC0 | field << 3 | e.below(8)));
        }
      }
    }
    for (int modRm :
        new int[] {
          0xE0, 0xE1, 0xE4, 0xE5, 0xE8, 0xE9, 0xEA, 0xEB, 0xEC, 0xED, 0xEE, 0xF4, 0xF5, 0xF6, 0xF7,
          0xF8, 0xFA, 0xFC, 0xFD
        }) {
      t.add("x87 D9 " + hex(modRm), false, 0, 0, e -> e.test.emit(0xD9, modRm));
    }
    t.add("fcompp", false, 0, 0, e -> e.test.emit(0xDE, 0xD9));
    t.add("fucompp", false, 0, 0, e -> e.test.emit(0xDA, 0xE9));
    t.add("fnstsw", false, 0, 0, e -> e.test.emit(0xDF, 0xE0));
    t.add("fnclex", false, 0, 0, e -> e.test.emit(0xDB, 0xE2));
    return t.templates;
  }

  /** The same under random control words, and what else looks at waiting exceptions. */
  static List<Template> unmaskedX87() {
    Templates t = new Templates();
    for (Template masked : x87()) {
      t.add(
          masked.name(),
          masked.readsFlags(),
          masked.defines(),
          masked.undefines(),
          e -> {
            if (e.chance(25)) {
              e.emit("D9", 5, 0, false, Operand.MEMORY, false, 1); // FLDCW
            }
            masked.body().emit(e);
          });
    }
    t.add("fwait", false, 0, 0, e -> e.test.emit(0x9B));
    t.add("fnop", false, 0, 0, e -> e.test.emit(0xD9, 0xD0));
    t.add("emms", false, 0, 0, e -> e.test.emit(0x0F, 0x77));
    mmx(t, "0FFC", false); // PADDB
    mmx(t, "0F6F", false); // MOVQ
    mmx(t, "0F7F", false);
    for (String form : new String[] {"F30FD6", "F20FD6"}) {
      t.add(
          form,
          false,
          0,
          0,
          e -> e.emit(form, e.below(8), e.below(8), false, Operand.REGISTER, false, 1));
    }
    return t.templates;
  }

  // Other forms of the same instructions, and those that are alone

  private static void plain(Templates t, String name, Body body) {
    t.add(name, false, 0, 0, body);
  }

  static List<Template> otherForms() {
    Templates t = new Templates();
    immediates(t);
    stackAndJumps(t);
    otherMoves(t);
    plain(t, "pause", e -> e.test.emit(0xF3, 0x90));
    plain(t, "fence", e -> e.test.emit(0x0F, 0xAE, 0xE8 + 8 * e.below(3)));
    plain(t, "prefetch", e -> e.emit("0F18", e.below(4), 0, false, Operand.MEMORY, false, 1));
    plain(t, "prefetchw", e -> e.emit("0F0D", 1, 0, false, Operand.MEMORY, false, 1));
    plain(t, "fninit", e -> e.test.emit(0xDB, 0xE3));
    plain(t, "ffreep", e -> e.test.emit(0xDF, 0xC0 + e.below(8)));
    plain(t, "stmxcsr", e -> e.emit("0FAE", 3, 0, false, Operand.MEMORY, false, 1));
    return t.templates;
  }

  /** With an immediate of the operand's size, but at most 4 bytes. */
  private static void sizedImmediate(Encoder e, String byteForm, String form, int reg) {
    int rm = e.target();
    switch (e.below(4)) {
      case 0 -> {
        e.emit(byteForm, reg, rm, false, Operand.EITHER, rm > 3, 1);
        e.immediate(1);
      }
      case 1 -> {
        e.emit("66" + form, reg, rm, false, Operand.EITHER, false, 1);
        e.immediate(2);
      }
      default -> {
        e.emit(form, reg, rm, e.chance(50), Operand.EITHER, false, 1);
        e.immediate(4);
      }
    }
  }

  /** The form for AL, AX, EAX and RAX; {@code opcode} is that for AL. */
  private static void accumulator(Encoder e, int opcode) {
    switch (e.below(4)) {
      case 0 -> {
        e.test.emit(opcode);
        e.immediate(1);
      }
      case 1 -> {
        e.test.emit(0x66, opcode + 1);
        e.immediate(2);
      }
      case 2 -> {
        e.test.emit(opcode + 1);
        e.immediate(4);
      }
      default -> {
        e.test.emit(0x48, opcode + 1);
        e.immediate(4);
      }
    }
  }

  private static void immediates(Templates t) {
    for (int i = 0; i < 8; i++) {
      int opcode = 4 + i * 8;
      boolean carry = i == 2 || i == 3;
      int undefined = i == 1 || i == 4 || i == 6 ? AF : 0;
      t.add("al/rax imm", carry, ALL & ~undefined, undefined, e -> accumulator(e, opcode));
    }
    t.add("test al/rax imm", false, ALL & ~AF, AF, e -> accumulator(e, 0xA8));
    t.add("test imm", false, ALL & ~AF, AF, e -> sizedImmediate(e, "F6", "F7", 0));
    plain(t, "mov imm", e -> sizedImmediate(e, "C6", "C7", 0));
    plain(
        t,
        "mov reg imm",
        e -> {
          e.test.emit(0x48, 0xB8 + e.below(3));
          e.immediate(8);
          e.test.emit(0xB8 + e.below(3));
          e.immediate(4);
          e.test.emit(0xB0 + e.below(3));
          e.immediate(1);
        });
    t.add(
        "imul imm",
        false,
        CF | OF,
        ALL & ~(CF | OF),
        e -> {
          e.emit("69", e.target(), e.target(), e.chance(50), Operand.EITHER, false, 1);
          e.immediate(4);
        });
    plain(
        t,
        "rorx",
        e -> {
          int reg = e.target();
          int rm = e.target();
          int form = (reg > 7 ? 0 : 0x80) | 0x40 | (rm > 7 ? 0 : 0x20) | 3;
          e.test.emit(0xC4, form, e.below(2) << 7 | 0x7B, 0xF0, 0xC0 | (reg & 7) << 3 | (rm & 7));
          e.immediate(1);
        });
    plain(
        t,
        "mmx shift imm",
        e -> {
          int opcode = 0x71 + e.below(3);
          int reg = opcode == 0x73 ? 2 + 4 * e.below(2) : 2 + 2 * e.below(3);
          e.test.emit(0x0F, opcode, 0xC0 | reg << 3 | e.below(8), e.below(80));
        });
  }

  private static void stackAndJumps(Templates t) {
    plain(
        t,
        "push imm",
        e -> {
          boolean small = e.chance(50);
          e.test.emit(small ? 0x6A : 0x68);
          e.immediate(small ? 1 : 4);
          e.test.emit(0x58 + e.below(3));
        });
    plain(t, "push", e -> e.emit("FF", 6, e.target(), false, Operand.EITHER, false, 1));
    plain(t, "pop", e -> e.emit("8F", 0, e.target(), false, Operand.EITHER, false, 1));
    t.add(
        "popf",
        false,
        ALL,
        0,
        e -> {
          int flags = e.below(0x1000) & ALL;
          e.test.emit(0x68, flags & 0xFF, flags >> 8, 0, 0, 0x9D);
        });
    // Over MOV EAX,ECX
    plain(t, "jmp", e -> e.test.emit(0xEB, 2, 0x89, 0xC8));
    plain(t, "jmp near", e -> e.test.emit(0xE9, 2, 0, 0, 0, 0x89, 0xC8));
    plain(t, "jrcxz", e -> e.test.emit(0xE3, 2, 0x89, 0xC8));
    t.add("loop ne/e", true, 0, 0, e -> e.test.emit(0xE0 + e.below(2), 2, 0x89, 0xC8));
    t.add(
        "jcc near", true, 0, 0, e -> e.test.emit(0x0F, 0x80 + e.below(16), 2, 0, 0, 0, 0x89, 0xC8));
    // CALL the return behind a jump over it
    plain(t, "ret", e -> e.test.emit(0xE8, 2, 0, 0, 0, 0xEB, 1, 0xC3));
    plain(t, "ret imm", e -> e.test.emit(0xE8, 2, 0, 0, 0, 0xEB, 3, 0xC2, 8 * e.below(3), 0));
    // LEA RAX,[RIP+2] and a jump or call to there
    plain(
        t,
        "indirect",
        e -> e.test.emit(0x48, 0x8D, 5, 2, 0, 0, 0, 0xFF, e.chance(50) ? 0xE0 : 0xD0));
  }

  private static void otherMoves(Templates t) {
    plain(t, "xlat", e -> e.test.emit(0xD7));
    plain(t, "xchg rax", e -> e.test.emit(0x40 | e.below(2) * 8, 0x91 + e.below(2)));
    plain(
        t,
        "mov absolute",
        e -> {
          int offset = e.below(TestCase.PAGE - 8);
          int opcode = 0xA0 + e.below(4);
          e.test.emit(opcode, offset & 0xFF, offset >> 8, 0, 0x20, 0, 0, 0, 0);
        });
    for (String form : new String[] {"660F10", "660F11", "660F28", "660F29"}) {
      vector(t, form, 16, false);
    }
    for (String form : new String[] {"0F13", "0F17", "660F12", "660F13", "660F16", "660F17"}) {
      plain(t, form, e -> e.emit(form, e.below(16), 0, false, Operand.MEMORY, false, 8));
    }
    for (String form : new String[] {"0F2B", "660F2B", "660FE7", "660F382A", "F20FF0"}) {
      plain(t, form, e -> e.emit(form, e.below(16), 0, false, Operand.MEMORY, false, 16));
    }
    plain(t, "movntq", e -> e.emit("0FE7", e.below(8), 0, false, Operand.MEMORY, false, 8));
    plain(t, "movnti", e -> e.emit("0FC3", e.target(), 0, e.chance(50), Operand.MEMORY, false, 8));
    plain(
        t,
        "maskmovdqu",
        e -> e.emit("660FF7", e.below(16), e.below(16), false, Operand.REGISTER, false, 1));
    plain(
        t,
        "maskmovq",
        e -> e.emit("0FF7", e.below(8), e.below(8), false, Operand.REGISTER, false, 1));
    plain(
        t,
        "pmovmskb mmx",
        e -> e.emit("0FD7", e.target(), e.below(8), false, Operand.REGISTER, false, 1));
    plain(
        t,
        "pextrw mmx",
        e -> {
          e.emit("0FC5", e.target(), e.below(8), false, Operand.REGISTER, false, 1);
          e.immediate(1);
        });
    plain(
        t,
        "pinsrw mmx",
        e -> {
          e.emit("0FC4", e.below(8), e.target(), false, Operand.EITHER, false, 2);
          e.immediate(1);
        });
  }
}
