// SPDX-License-Identifier: ISC

/** Virtqueues and the registers around them, for authors of virtio devices. */
package dev.tealight.device.virtio;
