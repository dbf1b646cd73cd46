// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.decode;

import org.jspecify.annotations.Nullable;

/** Names of instructions that are not supported, for messages (Intel SDM volume 2, appendix A). */
final class Unsupported {
  private static final int EVEX = 0x62;

  private Unsupported() {}

  /** Returns the name of an instruction with its own space and brackets, or nothing. */
  static String named(int map, int prefix, int opcode, int modRm) {
    String name = name(map, prefix, opcode, modRm);
    return name == null ? "" : " (" + name + ")";
  }

  private static @Nullable String name(int map, int prefix, int opcode, int modRm) {
    int reg = modRm < 0 ? -1 : modRm >>> 3 & 7;
    if (map >= OpcodeTable.VEX_MAPS) {
      return avx(map - OpcodeTable.VEX_MAPS, prefix, opcode, modRm);
    }
    return switch (map) {
      case OpcodeTable.MAP_ONE_BYTE -> opcode == EVEX ? "AVX-512" : null;
      case OpcodeTable.MAP_0F ->
          switch (opcode) {
            case 0x01 -> group7(modRm);
            case 0x37 -> "GETSEC";
            case 0x78 -> "VMREAD";
            case 0x79 -> "VMWRITE";
            case 0xAE -> group15(reg);
            case 0xC7 -> group9(modRm, reg);
            default -> null;
          };
      case OpcodeTable.MAP_0F38 ->
          switch (opcode) {
            case 0x80 -> "INVEPT";
            case 0x81 -> "INVVPID";
            case 0x82 -> "INVPCID";
            case 0xCF -> "GF2P8MULB";
            case 0xF8 -> "MOVDIR64B";
            case 0xF9 -> "MOVDIRI";
            default -> null;
          };
      default ->
          switch (opcode) {
            case 0xCE -> "GF2P8AFFINEQB";
            case 0xCF -> "GF2P8AFFINEINVQB";
            default -> null;
          };
    };
  }

  /** Most AVX instructions are wider forms of the SSE instruction with the same opcode. */
  private static String avx(int map, int prefix, int opcode, int modRm) {
    Opcode narrow =
        map < 1 || map > 3
            ? null
            : InstructionSet.vectors().find(map, prefix, opcode, Math.max(modRm, 0));
    return narrow == null ? "AVX" : "AVX: V" + narrow.text().split(" ", 2)[0];
  }

  private static @Nullable String group7(int modRm) {
    return switch (modRm) {
      case 0xC1 -> "VMCALL";
      case 0xC2 -> "VMLAUNCH";
      case 0xC3 -> "VMRESUME";
      case 0xC4 -> "VMXOFF";
      case 0xC8 -> "MONITOR";
      case 0xC9 -> "MWAIT";
      case 0xCA -> "CLAC";
      case 0xCB -> "STAC";
      case 0xD0 -> "XGETBV";
      case 0xD1 -> "XSETBV";
      case 0xD4 -> "VMFUNC";
      case 0xD5 -> "XEND";
      case 0xD6 -> "XTEST";
      case 0xD9 -> "VMMCALL";
      case 0xEE -> "RDPKRU";
      case 0xEF -> "WRPKRU";
      default -> null;
    };
  }

  private static @Nullable String group15(int reg) {
    return switch (reg) {
      case 4 -> "XSAVE";
      case 5 -> "XRSTOR";
      case 6 -> "XSAVEOPT or CLWB";
      default -> null;
    };
  }

  private static @Nullable String group9(int modRm, int reg) {
    return switch (reg) {
      case 3 -> "XRSTORS";
      case 4 -> "XSAVEC";
      case 5 -> "XSAVES";
      case 6 -> "VMPTRLD";
      case 7 -> modRm >= 0xC0 ? "RDPID" : "VMPTRST";
      default -> null;
    };
  }
}
