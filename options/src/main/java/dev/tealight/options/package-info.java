// SPDX-License-Identifier: ISC
/** Devices named in text, and the entry of monitors that have devices. */
package dev.tealight.options;
