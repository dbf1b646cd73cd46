// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.op;

import dev.tealight.softcpu.internal.cpu.Cpu;
import dev.tealight.softcpu.internal.cpu.Insn;
import java.nio.charset.StandardCharsets;

/** CPUID. Only what is implemented is advertised. */
public final class Cpuid {
  /** Vendor of leaf 0, in the order of the bytes of EBX, EDX, ECX. */
  static final String VENDOR = "Tealight CPU";

  private static final String BRAND = "Tealight software CPU";

  private static final int MAX_BASIC = 7;
  private static final int MAX_EXTENDED = 0x8000_0008;

  /** Family 15, model 107: a generic 64-bit processor. */
  private static final int SIGNATURE = 0x0006_0FB1;

  private static final int LEAF1_ECX =
      1 // SSE3
          | 1 << 1 // PCLMULQDQ
          | 1 << 9 // SSSE3
          | 1 << 13 // CMPXCHG16B
          | 1 << 19 // SSE4.1
          | 1 << 20 // SSE4.2
          | 1 << 22 // MOVBE
          | 1 << 23 // POPCNT
          | 1 << 25 // AES
          | 1 << 30; // RDRAND

  private static final int LEAF1_EDX =
      1 // x87
          | 1 << 3 // PSE
          | 1 << 4 // TSC
          | 1 << 5 // MSR
          | 1 << 6 // PAE
          | 1 << 8 // CMPXCHG8B
          | 1 << 11 // SYSENTER
          | 1 << 13 // PGE
          | 1 << 15 // CMOV
          | 1 << 16 // PAT
          | 1 << 19 // CLFLUSH
          | 1 << 23 // MMX
          | 1 << 24 // FXSR
          | 1 << 25 // SSE
          | 1 << 26; // SSE2

  private static final int LEAF7_EBX =
      1 // FSGSBASE
          | 1 << 3 // BMI1
          | 1 << 8 // BMI2
          | 1 << 9 // fast REP MOVSB and STOSB
          | 1 << 18 // RDSEED
          | 1 << 19 // ADX
          | 1 << 23 // CLFLUSHOPT
          | 1 << 29; // SHA

  private static final int EXTENDED1_ECX =
      1 // LAHF in 64-bit code
          | 1 << 5 // LZCNT
          | 1 << 8; // PREFETCHW

  private static final int EXTENDED1_EDX =
      1 << 11 // SYSCALL
          | 1 << 20 // NX
          | 1 << 26 // 1 GiB pages
          | 1 << 27 // RDTSCP
          | 1 << 29; // long mode

  private static final int CLFLUSH_LINE = 8 << 8; // in units of 8 bytes
  private static final int ONE_LOGICAL_PROCESSOR = 1 << 16;
  private static final int INVARIANT_TSC = 1 << 8;
  private static final int ADDRESS_BITS = 46 | 48 << 8;

  private Cpuid() {}

  public static void cpuid(Cpu cpu, Insn insn) {
    int leaf = (int) cpu.gpr[Cpu.RAX];
    int subleaf = (int) cpu.gpr[Cpu.RCX];
    switch (leaf) {
      case 0 -> set(cpu, MAX_BASIC, text(VENDOR, 0), text(VENDOR, 8), text(VENDOR, 4));
      case 1 -> set(cpu, SIGNATURE, CLFLUSH_LINE | ONE_LOGICAL_PROCESSOR, LEAF1_ECX, LEAF1_EDX);
      case 7 -> set(cpu, 0, subleaf == 0 ? LEAF7_EBX : 0, 0, 0);
      case 0x8000_0000 -> set(cpu, MAX_EXTENDED, text(VENDOR, 0), text(VENDOR, 8), text(VENDOR, 4));
      case 0x8000_0001 -> set(cpu, SIGNATURE, 0, EXTENDED1_ECX, EXTENDED1_EDX);
      case 0x8000_0002, 0x8000_0003, 0x8000_0004 -> {
        int at = (leaf - 0x8000_0002) * 16;
        set(cpu, text(BRAND, at), text(BRAND, at + 4), text(BRAND, at + 8), text(BRAND, at + 12));
      }
      case 0x8000_0007 -> set(cpu, 0, 0, 0, INVARIANT_TSC);
      case 0x8000_0008 -> set(cpu, ADDRESS_BITS, 0, 0, 0);
      default -> set(cpu, 0, 0, 0, 0);
    }
  }

  private static int text(String text, int at) {
    byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
    int value = 0;
    for (int i = 0; i < 4 && at + i < bytes.length; i++) {
      value |= (bytes[at + i] & 0xFF) << (8 * i);
    }
    return value;
  }

  private static void set(Cpu cpu, int eax, int ebx, int ecx, int edx) {
    cpu.gpr[Cpu.RAX] = eax & 0xFFFF_FFFFL;
    cpu.gpr[Cpu.RBX] = ebx & 0xFFFF_FFFFL;
    cpu.gpr[Cpu.RCX] = ecx & 0xFFFF_FFFFL;
    cpu.gpr[Cpu.RDX] = edx & 0xFFFF_FFFFL;
  }
}
