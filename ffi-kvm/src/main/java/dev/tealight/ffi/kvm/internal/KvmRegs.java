// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import static dev.tealight.X86Register.R10;
import static dev.tealight.X86Register.R11;
import static dev.tealight.X86Register.R12;
import static dev.tealight.X86Register.R13;
import static dev.tealight.X86Register.R14;
import static dev.tealight.X86Register.R15;
import static dev.tealight.X86Register.R8;
import static dev.tealight.X86Register.R9;
import static dev.tealight.X86Register.RAX;
import static dev.tealight.X86Register.RBP;
import static dev.tealight.X86Register.RBX;
import static dev.tealight.X86Register.RCX;
import static dev.tealight.X86Register.RDI;
import static dev.tealight.X86Register.RDX;
import static dev.tealight.X86Register.RFLAGS;
import static dev.tealight.X86Register.RIP;
import static dev.tealight.X86Register.RSI;
import static dev.tealight.X86Register.RSP;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.tealight.X86CpuState;
import dev.tealight.X86Register;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.util.Arrays;
import java.util.Locale;

/** struct kvm_regs: the general-purpose registers. */
final class KvmRegs {
  /** In the kernel's order. */
  private static final X86Register[] ORDER = {
    RAX, RBX, RCX, RDX, RSI, RDI, RSP, RBP, R8, R9, R10, R11, R12, R13, R14, R15, RIP, RFLAGS
  };

  static final StructLayout LAYOUT =
      MemoryLayout.structLayout(
              Arrays.stream(ORDER)
                  .map(register -> JAVA_LONG.withName(register.name().toLowerCase(Locale.ROOT)))
                  .toArray(MemoryLayout[]::new))
          .withName("kvm_regs");

  private KvmRegs() {}

  static void toNative(X86CpuState source, MemorySegment target) {
    for (int i = 0; i < ORDER.length; i++) {
      target.setAtIndex(JAVA_LONG, i, source.get(ORDER[i]));
    }
  }

  static void fromNative(MemorySegment source, X86CpuState target) {
    for (int i = 0; i < ORDER.length; i++) {
      target.set(ORDER[i], source.getAtIndex(JAVA_LONG, i));
    }
  }
}
