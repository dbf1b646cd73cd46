// SPDX-License-Identifier: ISC

/** The one door to the C library: calls, errno, mappings, waiting. */
package dev.tealight.ffi.posix;
