// SPDX-License-Identifier: ISC

/** Backend for FreeBSD bhyve: its options. */
package dev.tealight.ffi.bhyve;
