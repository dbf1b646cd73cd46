// SPDX-License-Identifier: ISC
/** What the author of a device uses. */
package dev.tealight.device;
