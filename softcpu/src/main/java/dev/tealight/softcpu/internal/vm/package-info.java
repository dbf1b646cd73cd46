// SPDX-License-Identifier: ISC
/** The software CPU as a backend: what the core's interfaces ask for. */
package dev.tealight.softcpu.internal.vm;
