// SPDX-License-Identifier: ISC

/** Command-line monitor. */
package dev.tealight.tender;
