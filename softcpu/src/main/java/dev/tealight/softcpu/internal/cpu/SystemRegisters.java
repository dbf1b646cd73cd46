// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.cpu;

import dev.tealight.softcpu.internal.fault.Vector;
import dev.tealight.softcpu.internal.memory.Paging;

/**
 * Control registers, debug registers, descriptor table registers and model-specific registers.
 *
 * <p>Writes by the guest are checked and fault with #GP; {@link #restore} takes what the monitor
 * sets without question.
 */
public final class SystemRegisters {
  public static final long CR0_PE = 1;
  public static final long CR0_MP = 1 << 1;
  public static final long CR0_EM = 1 << 2;
  public static final long CR0_TS = 1 << 3;
  public static final long CR0_ET = 1 << 4;
  public static final long CR0_NE = 1 << 5;
  public static final long CR0_WP = 1 << 16;
  public static final long CR0_AM = 1 << 18;
  public static final long CR0_NW = 1 << 29;
  public static final long CR0_CD = 1 << 30;
  public static final long CR0_PG = 1L << 31;
  private static final long CR0_DEFINED =
      CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD
          | CR0_PG;

  public static final long CR4_TSD = 1 << 2;
  public static final long CR4_PSE = 1 << 4;
  public static final long CR4_PAE = 1 << 5;
  public static final long CR4_PGE = 1 << 7;
  public static final long CR4_OSFXSR = 1 << 9;
  public static final long CR4_OSXMMEXCPT = 1 << 10;
  public static final long CR4_FSGSBASE = 1 << 16;

  /** VME, PVI, DE, MCE and PCE may be set and do nothing. */
  private static final long CR4_DEFINED =
      0x4B
          | CR4_TSD
          | CR4_PSE
          | CR4_PAE
          | CR4_PGE
          | 1 << 8
          | CR4_OSFXSR
          | CR4_OSXMMEXCPT
          | CR4_FSGSBASE;

  private static final long CR4_PAGING = CR4_PSE | CR4_PAE | CR4_PGE;

  public static final long EFER_SCE = 1;
  public static final long EFER_LME = 1 << 8;
  public static final long EFER_LMA = 1 << 10;
  public static final long EFER_NXE = 1 << 11;
  private static final long EFER_WRITABLE = EFER_SCE | EFER_LME | EFER_NXE;

  public long cr0 = CR0_ET;
  public long cr2;
  public long cr3;
  public long cr4;
  public long cr8;
  public long efer;
  public final long[] debug = {0, 0, 0, 0, 0, 0, 0xFFFF_0FF0L, 0x400};

  public long gdtBase;
  public int gdtLimit = 0xFFFF;
  public long idtBase;
  public int idtLimit = 0xFFFF;

  /** The rest of the model-specific registers. */
  public final Msrs msrs;

  private final Cpu cpu;

  SystemRegisters(Cpu cpu) {
    this.cpu = cpu;
    this.msrs = new Msrs(cpu);
  }

  public boolean longModeActive() {
    return (efer & EFER_LMA) != 0;
  }

  public boolean protectedMode() {
    return (cr0 & CR0_PE) != 0;
  }

  /** Sets control registers without the checks of an instruction. */
  public void restore(long newCr0, long newCr3, long newCr4, long newEfer) {
    cr0 = (newCr0 & CR0_DEFINED) | CR0_ET;
    cr3 = newCr3;
    cr4 = newCr4 & CR4_DEFINED;
    efer = newEfer & (EFER_WRITABLE | EFER_LMA);
    pagingChanged();
  }

  public long control(int number) {
    return switch (number) {
      case 0 -> cr0;
      case 2 -> cr2;
      case 3 -> cr3;
      case 4 -> cr4;
      case 8 -> cr8;
      default -> throw cpu.fault.undefined();
    };
  }

  public void control(int number, long value) {
    switch (number) {
      case 0 -> writeCr0(value);
      case 2 -> cr2 = value;
      case 3 -> {
        cr3 = value;
        cpu.memory.paging.root = value;
        cpu.memory.flush();
      }
      case 4 -> writeCr4(value);
      case 8 -> {
        if ((value & ~15L) != 0) {
          throw cpu.fault.protection(0);
        }
        cr8 = value;
      }
      default -> throw cpu.fault.undefined();
    }
  }

  private void writeCr0(long value) {
    boolean paging = (value & CR0_PG) != 0;
    boolean wasPaging = (cr0 & CR0_PG) != 0;
    boolean impossible =
        value >>> 32 != 0
            || (paging && (value & CR0_PE) == 0)
            || ((value & CR0_NW) != 0 && (value & CR0_CD) == 0);
    boolean entersLongMode = paging && !wasPaging && (efer & EFER_LME) != 0;
    if (impossible || (entersLongMode && (cr4 & CR4_PAE) == 0)) {
      throw cpu.fault.protection(0);
    }
    if (!paging && wasPaging && cpu.codeBits == 64) {
      throw cpu.fault.protection(0);
    }
    if (entersLongMode) {
      efer |= EFER_LMA;
    } else if (!paging) {
      efer &= ~EFER_LMA;
    }
    cr0 = (value & CR0_DEFINED) | CR0_ET;
    pagingChanged();
  }

  private void writeCr4(long value) {
    if ((value & ~CR4_DEFINED) != 0 || (longModeActive() && (value & CR4_PAE) == 0)) {
      throw cpu.fault.protection(0);
    }
    boolean pagingChanges = ((cr4 ^ value) & CR4_PAGING) != 0;
    cr4 = value;
    if (pagingChanges) {
      pagingChanged();
    } else {
      cpu.memory.codeDropped(); // a unit may have been switched
    }
  }

  public void writeEfer(long value) {
    boolean changesLme = ((value ^ efer) & EFER_LME) != 0;
    if ((value & ~(EFER_WRITABLE | EFER_LMA)) != 0 || (changesLme && (cr0 & CR0_PG) != 0)) {
      throw cpu.fault.protection(0);
    }
    efer = (value & EFER_WRITABLE) | (efer & EFER_LMA);
    pagingChanged();
  }

  private void pagingChanged() {
    Paging paging = cpu.memory.paging;
    if ((cr0 & CR0_PG) == 0) {
      paging.mode = Paging.Mode.OFF;
    } else if (longModeActive()) {
      paging.mode = Paging.Mode.LONG;
    } else {
      paging.mode = (cr4 & CR4_PAE) != 0 ? Paging.Mode.PAE : Paging.Mode.LEGACY_32;
    }
    paging.root = cr3;
    paging.writeProtect = (cr0 & CR0_WP) != 0;
    paging.noExecute = (efer & EFER_NXE) != 0;
    paging.largePages32 = (cr4 & CR4_PSE) != 0;
    cpu.memory.flush();
    cpu.modeChanged();
  }

  // Units: the vector of the fault their instructions raise now, or 0

  public int x87Fault() {
    return (cr0 & (CR0_EM | CR0_TS)) != 0 ? Vector.DEVICE_NOT_AVAILABLE : 0;
  }

  public int mmxFault() {
    if ((cr0 & CR0_EM) != 0) {
      return Vector.UNDEFINED;
    }
    return (cr0 & CR0_TS) != 0 ? Vector.DEVICE_NOT_AVAILABLE : 0;
  }

  public int sseFault() {
    return (cr4 & CR4_OSFXSR) == 0 ? Vector.UNDEFINED : mmxFault();
  }

  /** Returns a number that differs whenever one of the units is switched on or off. */
  public int unitMode() {
    return (int) (cr0 & (CR0_EM | CR0_TS)) | (int) (cr4 & CR4_OSFXSR);
  }

  /** CLTS. */
  public void clearTaskSwitched() {
    cr0 &= ~CR0_TS;
    cpu.memory.codeDropped();
  }

  // Debug registers are stored; breakpoints the guest sets in them do not fire.

  public long debugRegister(int number) {
    return debug[number];
  }

  public void debugRegister(int number, long value) {
    if (number >= 6 && value >>> 32 != 0) {
      throw cpu.fault.protection(0);
    }
    debug[number] =
        switch (number) {
          case 6 -> (value & 0xE00F) | 0xFFFF_0FF0L;
          case 7 -> (value & 0xFFFF_2BFFL) | 0x400;
          default -> value;
        };
  }
}
