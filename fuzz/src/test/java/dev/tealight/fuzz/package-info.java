// SPDX-License-Identifier: ISC
/** Fuzz targets: each takes bytes that a guest or its author wrote. */
package dev.tealight.fuzz;
