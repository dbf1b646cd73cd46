// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.translate;

import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_void;
import static java.lang.constant.ConstantDescs.INIT_NAME;

import dev.tealight.softcpu.internal.cpu.Cpu;
import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.AccessFlag;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Translates regions of 64-bit guest code to methods of hidden classes.
 *
 * <p>Decoded instructions and operations on lanes are constants of the class: the JIT knows them
 * and leaves out what they decide. What belongs to one processor (its memory, its registers) is
 * not: so the class serves all processors that come to the same code.
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
   * Of a region, in simple instructions. Larger regions change less often from one to the next, but
   * most of the time of HotSpot's second compiler goes into the allocation of registers, which
   * takes more than proportionally longer for them.
   */
  private static final int MAX_COST = 110;

  private static final int ALL_REGISTERS = 0xFFFF;
  private static final Instructions INSTRUCTIONS = new Instructions();

  private final Cpu cpu;
  private final Region.Blocks blocks;
  private final SharedCode shared;

  public Translator(Cpu cpu, Region.Blocks blocks, SharedCode shared) {
    this.cpu = cpu;
    this.blocks = blocks;
    this.shared = shared;
  }

  /** Translates what is reached from a block, for the current privilege level. */
  public Translation translate(Block root) {
    int maxCost = MAX_COST;
    while (true) {
      Region region = new Region(root, blocks, maxCost, cpu.memory.epoch());
      MethodHandle constructor = constructor(region);
      if (constructor != null) {
        return new Translation(
            create(constructor, region), region.distinctBlocks(), cpu.memory.isUser());
      }
      maxCost = maxCost * 2 / 3;
    }
  }

  /** Returns how to create the code of the region, or null if its method would be too long. */
  private @Nullable MethodHandle constructor(Region region) {
    Region.Content content = region.content();
    MethodHandle constructor = shared.constructor(content);
    if (constructor == null) {
      List<Object> constants = new ArrayList<>();
      byte[] bytes = build(region, constants);
      if (bytes.length > 0) {
        constructor = define(bytes, constants);
        shared.keep(content, constructor);
      }
    }
    return constructor;
  }

  /** Returns the class, or an empty array if its method became too long. */
  private static byte[] build(Region region, List<Object> constants) {
    int[] registers = {ALL_REGISTERS, ALL_REGISTERS};
    // The first pass finds out which registers the method uses.
    generate(region, new ArrayList<>(), registers);
    byte[] bytes = generate(region, constants, registers);
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
  private static byte[] generate(Region region, List<Object> constants, int[] registers) {
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
                    Emitter emitter = new Emitter(code, constants, registers[0]);
                    new RegionEmitter(region, INSTRUCTIONS, emitter, registers[0], registers[1])
                        .emit();
                    registers[0] = emitter.used;
                    registers[1] = emitter.written;
                  });
            });
  }

  private static MethodHandle define(byte[] bytes, List<Object> constants) {
    try {
      MethodHandles.Lookup hidden =
          LOOKUP.defineHiddenClassWithClassData(bytes, List.copyOf(constants), true);
      return hidden
          .findConstructor(hidden.lookupClass(), MethodType.methodType(void.class, Region.class))
          .asType(MethodType.methodType(TranslatedCode.class, Region.class));
    } catch (ReflectiveOperationException e) {
      throw new LinkageError(e.getMessage(), e); // it was given one
    }
  }

  private static TranslatedCode create(MethodHandle constructor, Region region) {
    try {
      return (TranslatedCode) constructor.invokeExact(region);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError(e); // the constructor declares none
    }
  }
}
