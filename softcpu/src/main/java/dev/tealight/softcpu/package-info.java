// SPDX-License-Identifier: ISC
/** Options of the software CPU. */
package dev.tealight.softcpu;
