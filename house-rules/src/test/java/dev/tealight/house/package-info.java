// SPDX-License-Identifier: ISC

/** Tests of the repository as a whole. */
@NullMarked
package dev.tealight.house;

import org.jspecify.annotations.NullMarked;
