// SPDX-License-Identifier: ISC
/** A goal for Maven that builds one customised monitor for each unikernel. */
@NullMarked
package dev.tealight.maven;

import org.jspecify.annotations.NullMarked;
