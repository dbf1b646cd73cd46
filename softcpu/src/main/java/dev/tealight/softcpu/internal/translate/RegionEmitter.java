// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.translate;

import static dev.tealight.softcpu.internal.translate.Emitter.A;
import static dev.tealight.softcpu.internal.translate.Emitter.AT;
import static dev.tealight.softcpu.internal.translate.Emitter.BEFORE;
import static dev.tealight.softcpu.internal.translate.Emitter.CD_CPU;
import static dev.tealight.softcpu.internal.translate.Emitter.COUNT;
import static dev.tealight.softcpu.internal.translate.Emitter.CPU;
import static dev.tealight.softcpu.internal.translate.Emitter.RIP;
import static dev.tealight.softcpu.internal.translate.Emitter.THIS;
import static dev.tealight.softcpu.internal.translate.Emitter.THROWN;
import static java.lang.constant.ConstantDescs.CD_boolean;
import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;

import dev.tealight.softcpu.internal.cpu.Cpu;
import dev.tealight.softcpu.internal.cpu.Insn;
import dev.tealight.softcpu.internal.translate.Region.Frame;
import dev.tealight.softcpu.internal.translate.Region.Node;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Emits the method of a region: its blocks, the jumps between them, and the ways out. */
final class RegionEmitter {
  private static final ClassDesc CD_RUNTIME_EXCEPTION =
      RuntimeException.class.describeConstable().orElseThrow();
  private static final ClassDesc CD_CODE = TranslatedCode.class.describeConstable().orElseThrow();

  private final Region region;
  private final Instructions instructions;
  private final Emitter e;
  private final CodeBuilder code;
  private final int usedRegisters;
  private final int writtenRegisters;

  private final Map<Node, Label> labels = new HashMap<>();
  private final List<Runnable> stubs = new ArrayList<>();
  private final Label exit;
  private final Label interrupted;
  private final Label interruptedInside;
  private int emitted;

  /**
   * Creates one.
   *
   * @param usedRegisters the general registers that the method keeps, as a first pass found them
   * @param writtenRegisters those of them that it changes
   */
  RegionEmitter(
      Region region,
      Instructions instructions,
      Emitter emitter,
      int usedRegisters,
      int writtenRegisters) {
    this.region = region;
    this.instructions = instructions;
    this.e = emitter;
    this.code = emitter.code;
    this.usedRegisters = usedRegisters;
    this.writtenRegisters = writtenRegisters;
    exit = code.newLabel();
    interrupted = code.newLabel();
    interruptedInside = code.newLabel();
    for (Node node : region.nodes()) {
      labels.put(node, code.newLabel());
    }
  }

  void emit() {
    code.aload(CPU).getfield(CD_CPU, "retired", CD_long).lstore(BEFORE);
    code.iconst_0().istore(COUNT).iconst_0().istore(AT);
    code.lconst_0().lstore(RIP);
    e.fetchUnits();
    e.fetchRegisters(usedRegisters);
    e.fetchFlags();
    Label start = code.newBoundLabel();
    for (Node node : region.nodes()) {
      block(node);
      emitted++;
    }
    for (int i = 0; i < stubs.size(); i++) { // stubs add none
      stubs.get(i).run();
    }
    Label end = code.newBoundLabel();
    code.labelBinding(exit);
    e.putRegisters(writtenRegisters);
    e.putFlags();
    e.putCount();
    e.putRip();
    leave();
    code.labelBinding(interrupted).astore(THROWN);
    e.putRegisters(writtenRegisters);
    e.putFlags();
    giveUp();
    code.labelBinding(interruptedInside).astore(THROWN);
    giveUp();
    code.exceptionCatch(start, end, interrupted, CD_RUNTIME_EXCEPTION);
  }

  private void leave() {
    code.loadConstant(TranslatedCode.LEFT).ireturn();
  }

  private void giveUp() {
    code.aload(THIS).aload(CPU).aload(THROWN).lload(BEFORE).iload(COUNT).iload(AT);
    code.invokevirtual(
        CD_CODE,
        "interrupted",
        MethodTypeDesc.of(CD_int, CD_CPU, CD_RUNTIME_EXCEPTION, CD_long, CD_int, CD_int));
    code.ireturn();
  }

  private void block(Node node) {
    code.labelBinding(label(node));
    Insn[] insns = node.block.insns;
    code.iinc(COUNT, insns.length);
    e.known = -1;
    for (int i = 0; i < insns.length; i++) {
      Insn insn = insns[i];
      if (!instructions.cannotFault(insn)) {
        code.loadConstant(node.first + i).istore(AT);
      }
      boolean last = i == insns.length - 1;
      if (last && flow(node, insn)) {
        return;
      }
      e.flagsMatter = instructions.flagsMatter(insns, i);
      if (!instructions.emit(e, insn)) {
        interpret(insn);
        if (last && !instructions.goesOn(insn)) {
          leave();
          return;
        }
        comeBack(insn, insns.length - 1 - i);
      }
    }
    jump(node.last().next(), node.frame);
  }

  private Label label(Node node) {
    Label label = labels.get(node);
    if (label == null) {
      throw new IllegalStateException("block outside the region");
    }
    return label;
  }

  // Instructions without a template

  /** Lets the interpreter's operation do it, on the processor's own registers. */
  private void interpret(Insn insn) {
    e.putRegisters(writtenRegisters);
    e.putFlags();
    e.putCount();
    code.aload(CPU);
    e.number(insn.next());
    code.putfield(CD_CPU, "rip", CD_long);
    Label start = code.newBoundLabel();
    Instructions.execute(e, insn);
    Label end = code.newBoundLabel();
    code.exceptionCatch(start, end, interruptedInside, CD_RUNTIME_EXCEPTION);
  }

  /**
   * Goes on behind an interpreted instruction if nothing has happened that must be looked at.
   *
   * @param remaining instructions of the block that have not run
   */
  private void comeBack(Insn insn, int remaining) {
    Label out = code.newLabel();
    code.aload(THIS).aload(CPU);
    code.invokevirtual(CD_CODE, "mustLeave", MethodTypeDesc.of(CD_boolean, CD_CPU)).ifne(out);
    if (insn.repeated()) {
      code.aload(CPU).getfield(CD_CPU, "rip", CD_long);
      e.number(insn.next());
      code.lcmp().ifne(out);
    }
    e.fetchRegisters(usedRegisters);
    e.fetchFlags();
    e.known = -1;
    stubs.add(
        () -> {
          code.labelBinding(out);
          code.iinc(COUNT, -remaining);
          e.putCount();
          leave();
        });
  }

  // Control flow

  private boolean flow(Node node, Insn insn) {
    if (insn.size() != 8) {
      return false;
    }
    switch (Flow.of(insn)) {
      case CONDITIONAL -> {
        Label taken = code.newLabel();
        e.branchIf(insn.opcode(), taken);
        jump(insn.next(), node.frame);
        code.labelBinding(taken);
        jump(insn.immediate(), node.frame);
      }
      case JUMP -> jump(insn.immediate(), node.frame);
      case CALL -> {
        e.number(insn.next());
        code.lstore(A);
        IntegerTemplates.pushLocal(e, A);
        jump(insn.immediate(), Region.called(node, insn));
      }
      case RETURN -> {
        e.whole(Cpu.RSP);
        e.loadAddressed(8);
        e.math("canonical", CD_long, CD_long);
        code.lstore(RIP);
        e.whole(Cpu.RSP);
        e.number(8 + (insn.immediate() & 0xFFFF));
        code.ladd();
        e.setWhole(Cpu.RSP);
        Frame frame = node.frame;
        if (frame != null) {
          jumpIf(frame.returnRip(), frame.caller());
        }
        code.goto_(exit);
      }
      case INDIRECT_JUMP -> {
        e.readFirst(insn);
        e.math("canonical", CD_long, CD_long);
        code.lstore(RIP);
        for (long target : node.targets()) {
          jumpIf(target, node.frame);
        }
        code.goto_(exit);
      }
      case INDIRECT_CALL -> {
        e.readFirst(insn);
        e.math("canonical", CD_long, CD_long);
        code.lstore(RIP);
        e.number(insn.next());
        code.lstore(A);
        IntegerTemplates.pushLocal(e, A);
        for (long target : node.targets()) {
          jumpIf(target, Region.called(node, insn));
        }
        code.goto_(exit);
      }
      case NEXT, ELSEWHERE -> {
        return false;
      }
    }
    return true;
  }

  /** Goes to {@code target} if {@link Emitter#RIP} is that and the region has it. */
  private void jumpIf(long target, @Nullable Frame frame) {
    if (region.node(target, frame) == null) {
      return;
    }
    Label other = code.newLabel();
    code.lload(RIP);
    e.number(target);
    code.lcmp().ifne(other);
    jump(target, frame);
    code.labelBinding(other);
  }

  private void jump(long target, @Nullable Frame frame) {
    Node node = region.node(target, frame);
    if (node == null) {
      e.number(target);
      code.lstore(RIP).goto_(exit);
      return;
    }
    if (region.nodes().indexOf(node) > emitted) {
      code.goto_(label(node));
      return;
    }
    // Backward: a loop, which is left now and then.
    code.iload(COUNT).loadConstant(TranslatedCode.LIMIT).if_icmplt(label(node));
    e.number(target);
    code.lstore(RIP).goto_(exit);
  }
}
