// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.run;

import dev.tealight.softcpu.internal.cpu.Cpu;
import dev.tealight.softcpu.internal.translate.Block;
import dev.tealight.softcpu.internal.translate.SharedCode;
import dev.tealight.softcpu.internal.translate.TranslatedCode;
import dev.tealight.softcpu.internal.translate.Translation;
import dev.tealight.softcpu.internal.translate.Translator;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Decides what is translated, and whether a translation still holds. */
final class Translations {
  /** So many are kept; then all are dropped. */
  private static final int MAX_TRANSLATIONS = 2000;

  /** Translations that are free of charge. */
  private static final long ADVANCE = 500;

  private final TranslationPolicy policy;
  private final Cpu cpu;
  private final BlockCache cache;
  private final Translator translator;
  private final List<Block> roots = new ArrayList<>();
  private long made;

  Translations(Cpu cpu, BlockCache cache, TranslationPolicy policy, SharedCode shared) {
    this.cpu = cpu;
    this.cache = cache;
    this.policy = policy;
    translator = new Translator(cpu, cache::decoded, shared);
  }

  /**
   * Returns the code to run instead of the block, or null if it must be interpreted.
   *
   * @param begins whether a region may begin with it: it was reached by a jump backward, by a call
   *     or out of another region. All others belong to a region that begins before them.
   */
  @Nullable TranslatedCode codeFor(Block block, boolean begins) {
    Translation translation = block.translation;
    if (translation == null) {
      if (!begins || ++block.heat < policy.threshold()) {
        return null;
      }
      block.heat = 0;
      return translate(block);
    }
    TranslatedCode code = translation.code();
    if (code.epoch() == cpu.memory.epoch() || stillHolds(block, translation)) {
      return code;
    }
    return null;
  }

  private @Nullable TranslatedCode translate(Block block) {
    if (block.insns[0].isUnavailable()
        || cpu.codeBits != 64
        || (made - ADVANCE) * policy.price() > cpu.retired
        || cache.decoded(block.rip) != block) {
      return null;
    }
    if (roots.size() == MAX_TRANSLATIONS) {
      dropAll();
    }
    made++;
    Translation translation = translator.translate(block);
    block.translation = translation;
    roots.add(block);
    return translation.code();
  }

  /** After a change of code or page tables: compares what was translated with what is there. */
  private boolean stillHolds(Block root, Translation translation) {
    if (translation.user() != cpu.memory.isUser()) {
      return false;
    }
    for (Block block : translation.blocks()) {
      if (!block.valid) {
        root.translation = null;
        roots.remove(root);
        return false;
      }
      if (!cache.isAsDecoded(block)) {
        return false;
      }
    }
    translation.code().epoch(cpu.memory.epoch());
    return true;
  }

  void dropAll() {
    for (Block root : roots) {
      root.translation = null;
    }
    roots.clear();
  }
}
