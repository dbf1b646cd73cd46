// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.translate;

import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_void;
import static java.lang.constant.ConstantDescs.INIT_NAME;

import dev.tealight.softcpu.internal.cpu.Cpu;
import dev.tealight.softcpu.internal.memory.MemoryView;
import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.AccessFlag;
import java.util.ArrayList;
import java.util.List;

/**
 * Translates regions of 64-bit guest code to methods of hidden classes.
 *
 * <p>What a method needs of its processor (its memory, XMM registers, decoded instructions) are
 * constants of its class: the JIT knows them and leaves out what they decide.
 */
public final class Translator {
  private static final MethodHandles.Lookup LOOKUP = MethodHandles.lookup();
  private static final ClassDesc CD_TRANSLATED =
      TranslatedCode.class.describeConstable().orElseThrow();
  private static final ClassDesc CD_REGION = Region.class.describeConstable().orElseThrow();
  private static final ClassDesc CD_THIS =
      ClassDesc.of(TranslatedCode.class.getPackageName(), "Code");
  private static final MethodTypeDesc RUN = MethodTypeDesc.of(CD_int, Emitter.CD_CPU);

  /** HotSpot compiles no longer methods than 8000 bytes. */
  private static final int MAX_BYTES = 7900;

  /**
   * Of longer methods HotSpot inlines only the beginning: it stops when a method has 8000 bytes
   * with all that is inlined, and an access of memory is about 800 of them.
   */
  private static final int MAX_INSNS = 80;

  private static final int ALL_REGISTERS = 0xFFFF;

  private final Cpu cpu;
  private final Region.Blocks blocks;
  private final Instructions instructions;

  public Translator(Cpu cpu, Region.Blocks blocks) {
    this.cpu = cpu;
    this.blocks = blocks;
    this.instructions = new Instructions(cpu);
  }

  /** Translates what is reached from a block, for the current privilege level. */
  public Translation translate(Block root) {
    int maxInsns = MAX_INSNS;
    while (true) {
      Region region = new Region(root, blocks, maxInsns, cpu.memory.epoch());
      List<Object> constants = new ArrayList<>();
      byte[] bytes = build(region, constants);
      if (bytes.length > 0) {
        return new Translation(
            define(bytes, constants, region), region.distinctBlocks(), cpu.memory.isUser());
      }
      maxInsns = maxInsns * 2 / 3;
    }
  }

  /** Returns the class, or an empty array if its method became too long. */
  private byte[] build(Region region, List<Object> constants) {
    MemoryView view = cpu.memory.view();
    int[] registers = {ALL_REGISTERS, ALL_REGISTERS};
    // The first pass finds out which registers the method uses.
    generate(region, view, new ArrayList<>(), registers);
    byte[] bytes = generate(region, view, constants, registers);
    ClassModel model = ClassFile.of().parse(bytes);
    int length =
        model.methods().stream()
            .flatMap(method -> method.findAttribute(Attributes.code()).stream())
            .mapToInt(code -> code.codeLength())
            .max()
            .orElseThrow();
    return length > MAX_BYTES ? new byte[0] : bytes;
  }

  /** Generates with the registers used and written; replaces them by what was found. */
  private byte[] generate(Region region, MemoryView view, List<Object> constants, int[] registers) {
    return ClassFile.of()
        .build(
            CD_THIS,
            type -> {
              type.withSuperclass(CD_TRANSLATED).withFlags(AccessFlag.FINAL);
              MethodTypeDesc constructor = MethodTypeDesc.of(CD_void, CD_REGION);
              type.withMethodBody(
                  INIT_NAME,
                  constructor,
                  0,
                  code ->
                      code.aload(0)
                          .aload(1)
                          .invokespecial(CD_TRANSLATED, INIT_NAME, constructor)
                          .return_());
              type.withMethodBody(
                  "run",
                  RUN,
                  ClassFile.ACC_PUBLIC,
                  code -> {
                    Emitter emitter = new Emitter(code, view, constants, registers[0]);
                    new RegionEmitter(region, instructions, emitter, registers[0], registers[1])
                        .emit();
                    registers[0] = emitter.used;
                    registers[1] = emitter.written;
                  });
            });
  }

  private static TranslatedCode define(byte[] bytes, List<Object> constants, Region region) {
    try {
      MethodHandles.Lookup hidden =
          LOOKUP.defineHiddenClassWithClassData(bytes, List.copyOf(constants), true);
      return (TranslatedCode)
          hidden
              .findConstructor(
                  hidden.lookupClass(), MethodType.methodType(void.class, Region.class))
              .invoke(region);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError(e); // the constructor declares none
    }
  }
}
