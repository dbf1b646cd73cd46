// SPDX-License-Identifier: ISC

/** Kernels for boot loaders of the Multiboot specification. */
package dev.tealight.multiboot;
