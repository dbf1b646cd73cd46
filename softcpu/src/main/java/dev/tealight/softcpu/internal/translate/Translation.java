// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.translate;

import java.util.List;

/**
 * Translated code and what it was made from.
 *
 * @param code what to run
 * @param blocks the blocks it stands for
 * @param user whether it is for user privilege
 */
public record Translation(TranslatedCode code, List<Block> blocks, boolean user) {}
