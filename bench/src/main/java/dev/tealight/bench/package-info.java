// SPDX-License-Identifier: ISC

/** Benchmarks and side-by-side runs against peers. */
package dev.tealight.bench;
