// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.run;

/**
 * When code is translated.
 *
 * @param threshold how often a block is interpreted before it is translated; 0 for never
 * @param price how many instructions the guest must have executed for each translation beyond the
 *     first few hundred: a translation costs the host about as much, and code that changes all the
 *     time shall not be translated all the time
 */
public record TranslationPolicy(int threshold, long price) {
  public static final TranslationPolicy USUAL = new TranslationPolicy(1000, 50_000);
  public static final TranslationPolicy NEVER = new TranslationPolicy(0, 0);

  /** Everything that ran once: for tests. */
  public static final TranslationPolicy EAGER = new TranslationPolicy(2, 0);
}
