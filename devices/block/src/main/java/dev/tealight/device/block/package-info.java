// SPDX-License-Identifier: ISC

/** Block device. */
package dev.tealight.device.block;
