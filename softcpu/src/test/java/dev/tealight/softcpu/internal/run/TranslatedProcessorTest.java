// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.run;

/** The same on translated code: each block is translated before it runs first. */
class TranslatedProcessorTest extends ProcessorTest {
  @Override
  TranslationPolicy policy() {
    return new TranslationPolicy(1, 0);
  }
}
