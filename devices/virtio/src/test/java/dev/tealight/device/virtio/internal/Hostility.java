// SPDX-License-Identifier: ISC
package dev.tealight.device.virtio.internal;

/** How long a device has to stand a hostile driver: nightly, 100 million accesses. */
final class Hostility {
  private static final boolean NIGHTLY = "nightly".equals(System.getProperty("tealight.effort"));

  static final long SEEDS = NIGHTLY ? 100 : 5;
  static final long ACCESSES = NIGHTLY ? 1_000_000 : 20_000;

  private Hostility() {}
}
