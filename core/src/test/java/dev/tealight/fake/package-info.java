// SPDX-License-Identifier: ISC
/** Machines for tests that need no guest code. */
package dev.tealight.fake;
