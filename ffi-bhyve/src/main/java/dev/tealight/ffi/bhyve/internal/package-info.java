// SPDX-License-Identifier: ISC

/** FreeBSD bhyve by the requests of its vmm device. */
package dev.tealight.ffi.bhyve.internal;
