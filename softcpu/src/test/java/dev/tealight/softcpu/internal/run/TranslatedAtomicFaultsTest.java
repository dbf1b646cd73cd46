// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.run;

/** The same on translated code, where the instruction is called by the region's method first. */
class TranslatedAtomicFaultsTest extends AtomicFaultsTest {
  @Override
  TranslationPolicy policy() {
    return new TranslationPolicy(1, 0);
  }
}
