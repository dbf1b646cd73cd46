// SPDX-License-Identifier: ISC
package dev.tealight.launch;

import dev.tealight.ffi.kvm.KvmOptions;
import dev.tealight.ffi.kvm.KvmOptions.Ring3Policy;
import java.util.Locale;
import java.util.Optional;

/** Options of the backend for KVM, in text. Only where {@code ffi-kvm} is. */
final class KvmChoice {
  private KvmChoice() {}

  /** {@return the options for {@code auto}, {@code never} or {@code always}} */
  static Optional<KvmOptions> of(String ring3) {
    return Optional.of(
        KvmOptions.DEFAULT.withRing3(Ring3Policy.valueOf(ring3.toUpperCase(Locale.ROOT))));
  }
}
