// SPDX-License-Identifier: ISC
/** Solo5's hvt guests: image format, manifest and ABI. */
package dev.tealight.solo5;
