// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.decode;

import dev.tealight.softcpu.internal.cpu.Operation;
import dev.tealight.softcpu.internal.cpu.Segments;
import dev.tealight.softcpu.internal.op.ControlFlow;
import dev.tealight.softcpu.internal.op.Cpuid;
import dev.tealight.softcpu.internal.op.FarTransfers;
import dev.tealight.softcpu.internal.op.Ports;
import dev.tealight.softcpu.internal.op.Privileged;
import dev.tealight.softcpu.internal.op.SegmentOperations;
import dev.tealight.softcpu.internal.op.Stack;
import dev.tealight.softcpu.internal.op.Strings;

/** Opcodes of control flow, input and output, segments and system instructions. */
final class SystemInstructions {
  private static final Operation UNDEFINED =
      (cpu, insn) -> {
        throw cpu.fault.undefined();
      };

  /** There are no performance counters. */
  private static final Operation NO_COUNTERS =
      (cpu, insn) -> {
        throw cpu.fault.protection(0);
      };

  private SystemInstructions() {}

  static void define(OpcodeTable t) {
    controlFlow(t);
    inputOutput(t);
    segments(t);
    descriptors(t);
    system(t);
  }

  private static void controlFlow(OpcodeTable t) {
    t.define("70+cc end f64", "Jcc Jb", ControlFlow::jcc);
    t.define("0F 80+cc end f64", "Jcc Jz", ControlFlow::jcc);
    t.define("E0 end f64", "LOOPNE Jb", ControlFlow::loopne);
    t.define("E1 end f64", "LOOPE Jb", ControlFlow::loope);
    t.define("E2 end f64", "LOOP Jb", ControlFlow::loop);
    t.define("E3 end f64", "JRCXZ Jb", ControlFlow::jrcxz);
    t.define("E8 end f64", "CALL Jz", ControlFlow::callRelative);
    t.define("E9 end f64", "JMP Jz", ControlFlow::jmpRelative);
    t.define("EB end f64", "JMP Jb", ControlFlow::jmpRelative);
    t.define("C2 end f64", "RET Iw", ControlFlow::ret);
    t.define("C3 end f64", "RET", ControlFlow::ret);
    t.define("FF /2 end f64", "CALL Ev", ControlFlow::callNear);
    t.define("FF /4 end f64", "JMP Ev", ControlFlow::jmpNear);
    t.define("FF /3 mem end", "CALL Mp", FarTransfers::callFar);
    t.define("FF /5 mem end", "JMP Mp", FarTransfers::jmpFar);
    t.define("9A i64 end", "CALL Ap", FarTransfers::callFar);
    t.define("EA i64 end", "JMP Ap", FarTransfers::jmpFar);
    t.define("CA end", "RETF Iw", FarTransfers::retFar);
    t.define("CB end", "RETF", FarTransfers::retFar);
    t.define("CF end", "IRET", FarTransfers::iret);
    t.define("CC end", "INT3", ControlFlow::int3);
    t.define("CD end", "INT Ib", ControlFlow::intN);
    t.define("CE i64 end", "INTO", ControlFlow::into);
    t.define("F1 end", "INT1", ControlFlow::int1);
    t.define("62 i64 mem", "BOUND Gv,Mv", ControlFlow::bound);
    t.define("0F 0B end", "UD2", UNDEFINED);
    t.define("0F B9 end", "UD1 Gv,Ev", UNDEFINED);
    t.define("0F FF end", "UD0 Gv,Ev", UNDEFINED);
    t.define("0F 05 end", "SYSCALL", FarTransfers::syscall);
    t.define("0F 07 end", "SYSRET", FarTransfers::sysret);
    t.define("0F 34 end", "SYSENTER", FarTransfers::sysenter);
    t.define("0F 35 end", "SYSEXIT", FarTransfers::sysexit);
    t.define("FA", "CLI", ControlFlow::cli);
    t.define("FB end", "STI", ControlFlow::sti);
  }

  private static void inputOutput(OpcodeTable t) {
    t.define("E4 end", "IN AL,Ib", Ports::in);
    t.define("E5 end", "IN eAX,Ib", Ports::in);
    t.define("E6 end", "OUT Ib,AL", Ports::out);
    t.define("E7 end", "OUT Ib,eAX", Ports::out);
    t.define("EC end", "IN AL,DX", Ports::in);
    t.define("ED end", "IN eAX,DX", Ports::in);
    t.define("EE end", "OUT DX,AL", Ports::out);
    t.define("EF end", "OUT DX,eAX", Ports::out);
    t.define("6C end", "INS Yb,DX", Strings::ins);
    t.define("6D end", "INS Yz,DX", Strings::ins);
    t.define("6E end", "OUTS Xb,DX", Strings::outs);
    t.define("6F end", "OUTS Xz,DX", Strings::outs);
  }

  private static void segments(OpcodeTable t) {
    t.define("8C", "MOV Ev,Sw", SegmentOperations::movFromSegment);
    t.define("8E end", "MOV Sw,Ew", SegmentOperations::movToSegment);
    t.define("06 i64", "PUSH-ES", (cpu, i) -> Stack.pushSegment(cpu, i, Segments.ES));
    t.define("0E i64", "PUSH-CS", (cpu, i) -> Stack.pushSegment(cpu, i, Segments.CS));
    t.define("16 i64", "PUSH-SS", (cpu, i) -> Stack.pushSegment(cpu, i, Segments.SS));
    t.define("1E i64", "PUSH-DS", (cpu, i) -> Stack.pushSegment(cpu, i, Segments.DS));
    t.define("0F A0 d64", "PUSH-FS", (cpu, i) -> Stack.pushSegment(cpu, i, Segments.FS));
    t.define("0F A8 d64", "PUSH-GS", (cpu, i) -> Stack.pushSegment(cpu, i, Segments.GS));
    t.define("07 i64 end", "POP-ES", (cpu, i) -> Stack.popSegment(cpu, i, Segments.ES));
    t.define("17 i64 end", "POP-SS", (cpu, i) -> Stack.popSegment(cpu, i, Segments.SS));
    t.define("1F i64 end", "POP-DS", (cpu, i) -> Stack.popSegment(cpu, i, Segments.DS));
    t.define("0F A1 d64 end", "POP-FS", (cpu, i) -> Stack.popSegment(cpu, i, Segments.FS));
    t.define("0F A9 d64 end", "POP-GS", (cpu, i) -> Stack.popSegment(cpu, i, Segments.GS));
    t.define("C4 mem end", "LES Gv,Mv", (c, i) -> SegmentOperations.loadFar(c, i, Segments.ES));
    t.define("C5 mem end", "LDS Gv,Mv", (c, i) -> SegmentOperations.loadFar(c, i, Segments.DS));
    t.define("0F B2 mem end", "LSS Gv,Mv", (c, i) -> SegmentOperations.loadFar(c, i, Segments.SS));
    t.define("0F B4 mem end", "LFS Gv,Mv", (c, i) -> SegmentOperations.loadFar(c, i, Segments.FS));
    t.define("0F B5 mem end", "LGS Gv,Mv", (c, i) -> SegmentOperations.loadFar(c, i, Segments.GS));
  }

  private static void descriptors(OpcodeTable t) {
    t.define("0F 00 /0", "SLDT Ev", SegmentOperations::sldt);
    t.define("0F 00 /1", "STR Ev", SegmentOperations::str);
    t.define("0F 00 /2 end", "LLDT Ew", SegmentOperations::lldt);
    t.define("0F 00 /3 end", "LTR Ew", SegmentOperations::ltr);
    t.define("0F 00 /4", "VERR Ew", SegmentOperations::verr);
    t.define("0F 00 /5", "VERW Ew", SegmentOperations::verw);
    t.define("0F 01 /0 mem", "SGDT Mn", SegmentOperations::sgdt);
    t.define("0F 01 /1 mem", "SIDT Mn", SegmentOperations::sidt);
    t.define("0F 01 /2 mem end", "LGDT Mn", SegmentOperations::lgdt);
    t.define("0F 01 /3 mem end", "LIDT Mn", SegmentOperations::lidt);
    t.define("0F 01 /4 mem", "SMSW Mw", Privileged::smsw);
    t.define("0F 01 /4 reg", "SMSW Rv", Privileged::smsw);
    t.define("0F 01 /6 end", "LMSW Ew", Privileged::lmsw);
    t.define("0F 01 /7 mem end", "INVLPG Mb", Privileged::invlpg);
    t.define("0F 01 =F8 o64 end", "SWAPGS", Privileged::swapgs);
    t.define("0F 01 =F9 end", "RDTSCP", Privileged::rdtscp);
    t.define("0F 02", "LAR Gv,Ew", SegmentOperations::lar);
    t.define("0F 03", "LSL Gv,Ew", SegmentOperations::lsl);
  }

  private static void system(OpcodeTable t) {
    t.define("F4 end", "HLT", Privileged::hlt);
    t.define("0F 06 end", "CLTS", Privileged::clts);
    t.define("0F 08", "INVD", Privileged::invalidateCaches);
    t.define("0F 09", "WBINVD", Privileged::invalidateCaches);
    t.define("0F 20", "MOV Rq,Cq", Privileged::movFromControl);
    t.define("0F 21", "MOV Rq,Dq", Privileged::movFromDebug);
    t.define("0F 22 end", "MOV Cq,Rq", Privileged::movToControl);
    t.define("0F 23 end", "MOV Dq,Rq", Privileged::movToDebug);
    t.define("0F 30 end", "WRMSR", Privileged::wrmsr);
    t.define("0F 31 end", "RDTSC", Privileged::rdtsc);
    t.define("0F 32 end", "RDMSR", Privileged::rdmsr);
    t.define("0F 33", "RDPMC", NO_COUNTERS);
    t.define("0F A2", "CPUID", Cpuid::cpuid);
    t.define("0F AE /7 mem", "CLFLUSH Mb", Privileged::clflush);
    t.define("66 0F AE /7 mem", "CLFLUSHOPT Mb", Privileged::clflush);
    t.define(
        "F3 0F AE /0 reg o64", "RDFSBASE Ry", (c, i) -> Privileged.readBase(c, i, Segments.FS));
    t.define(
        "F3 0F AE /1 reg o64", "RDGSBASE Ry", (c, i) -> Privileged.readBase(c, i, Segments.GS));
    t.define(
        "F3 0F AE /2 reg o64", "WRFSBASE Ry", (c, i) -> Privileged.writeBase(c, i, Segments.FS));
    t.define(
        "F3 0F AE /3 reg o64", "WRGSBASE Ry", (c, i) -> Privileged.writeBase(c, i, Segments.GS));
    t.define("0F C7 /6 reg", "RDRAND Rv", Privileged::random);
    t.define("0F C7 /7 reg", "RDSEED Rv", Privileged::random);
  }
}
