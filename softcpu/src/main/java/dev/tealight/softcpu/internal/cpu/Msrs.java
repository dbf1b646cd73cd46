// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.cpu;

import java.util.Arrays;

/** Model-specific registers; one that does not exist faults with #GP. */
public final class Msrs {
  public static final int TSC = 0x10;
  public static final int APIC_BASE = 0x1B;
  public static final int SYSENTER_CS = 0x174;
  public static final int SYSENTER_ESP = 0x175;
  public static final int SYSENTER_EIP = 0x176;
  public static final int MISC_ENABLE = 0x1A0;
  public static final int PAT = 0x277;
  public static final int MTRR_DEF_TYPE = 0x2FF;
  public static final int EFER = 0xC000_0080;
  public static final int STAR = 0xC000_0081;
  public static final int LSTAR = 0xC000_0082;
  public static final int CSTAR = 0xC000_0083;
  public static final int FMASK = 0xC000_0084;
  public static final int FS_BASE = 0xC000_0100;
  public static final int GS_BASE = 0xC000_0101;
  public static final int KERNEL_GS_BASE = 0xC000_0102;
  public static final int TSC_AUX = 0xC000_0103;

  private static final int BIOS_SIGN_ID = 0x8B;
  private static final int MTRR_CAP = 0xFE;
  private static final int MCG_CAP = 0x179;
  private static final int MCG_STATUS = 0x17A;
  private static final int MTRR_FIRST = 0x200;
  private static final int MTRR_LAST = 0x26F;
  private static final long PAT_RESET = 0x0007_0406_0007_0406L;

  public long star;
  public long lstar;
  public long cstar;
  public long fmask;
  public long kernelGsBase;
  public long tscAux;
  public long sysenterCs;
  public long sysenterEsp;
  public long sysenterEip;
  public long pat = PAT_RESET;

  /** Added to the environment's time stamp. */
  public long tscOffset;

  public long miscEnable = 1;
  public long mtrrDefault;
  public final long[] mtrrs = new long[MTRR_LAST - MTRR_FIRST + 1];
  private final Cpu cpu;

  Msrs(Cpu cpu) {
    this.cpu = cpu;
  }

  /** Returns the time-stamp counter as the guest sees it. */
  public long timestamp() {
    return cpu.environment.timestamp(cpu.retired) + tscOffset;
  }

  public long read(int index) {
    if (index >= MTRR_FIRST && index <= MTRR_LAST) {
      return mtrrs[index - MTRR_FIRST];
    }
    return switch (index) {
      case TSC -> timestamp();
      case APIC_BASE, BIOS_SIGN_ID, MTRR_CAP, MCG_CAP, MCG_STATUS -> 0;
      case SYSENTER_CS -> sysenterCs;
      case SYSENTER_ESP -> sysenterEsp;
      case SYSENTER_EIP -> sysenterEip;
      case MISC_ENABLE -> miscEnable;
      case PAT -> pat;
      case MTRR_DEF_TYPE -> mtrrDefault;
      case EFER -> cpu.system.efer;
      case STAR -> star;
      case LSTAR -> lstar;
      case CSTAR -> cstar;
      case FMASK -> fmask;
      case FS_BASE -> cpu.segments.base(Segments.FS);
      case GS_BASE -> cpu.segments.base(Segments.GS);
      case KERNEL_GS_BASE -> kernelGsBase;
      case TSC_AUX -> tscAux;
      default -> throw cpu.fault.protection(0);
    };
  }

  public void write(int index, long value) {
    if (index >= MTRR_FIRST && index <= MTRR_LAST) {
      mtrrs[index - MTRR_FIRST] = value;
      return;
    }
    switch (index) {
      case TSC -> tscOffset = value - cpu.environment.timestamp(cpu.retired);
      case APIC_BASE, BIOS_SIGN_ID, MCG_STATUS -> {}
      case SYSENTER_CS -> sysenterCs = value;
      case SYSENTER_ESP -> sysenterEsp = canonical(value);
      case SYSENTER_EIP -> sysenterEip = canonical(value);
      case MISC_ENABLE -> miscEnable = value;
      case PAT -> writePat(value);
      case MTRR_DEF_TYPE -> mtrrDefault = value;
      case EFER -> cpu.system.writeEfer(value);
      case STAR -> star = value;
      case LSTAR -> lstar = canonical(value);
      case CSTAR -> cstar = canonical(value);
      case FMASK -> fmask = value & 0xFFFF_FFFFL;
      case FS_BASE -> cpu.segments.base(Segments.FS, canonical(value));
      case GS_BASE -> cpu.segments.base(Segments.GS, canonical(value));
      case KERNEL_GS_BASE -> kernelGsBase = canonical(value);
      case TSC_AUX -> tscAux = value & 0xFFFF_FFFFL;
      default -> throw cpu.fault.protection(0);
    }
  }

  private void writePat(long value) {
    for (int i = 0; i < 64; i += 8) {
      int type = (int) (value >>> i) & 0xFF;
      if (type > 7 || type == 2 || type == 3) {
        throw cpu.fault.protection(0);
      }
    }
    pat = value;
  }

  private long canonical(long value) {
    if (value << 16 >> 16 != value) {
      throw cpu.fault.protection(0);
    }
    return value;
  }

  /** Returns to the values after a processor reset. */
  public void reset() {
    star = lstar = cstar = fmask = kernelGsBase = tscAux = 0;
    sysenterCs = sysenterEsp = sysenterEip = 0;
    pat = PAT_RESET;
    tscOffset = 0;
    miscEnable = 1;
    mtrrDefault = 0;
    Arrays.fill(mtrrs, 0);
  }
}
