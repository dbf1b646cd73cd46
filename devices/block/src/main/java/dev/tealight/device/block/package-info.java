// SPDX-License-Identifier: ISC
/** Block devices over files, channels and memory. */
package dev.tealight.device.block;
