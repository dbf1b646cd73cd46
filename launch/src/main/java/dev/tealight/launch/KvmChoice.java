// SPDX-License-Identifier: ISC
package dev.tealight.launch;

import dev.tealight.ConfigurationException;
import dev.tealight.ffi.kvm.KvmOptions;
import dev.tealight.ffi.kvm.KvmOptions.Ring3Policy;
import java.util.Optional;

/** Options of the backend for KVM, in text. Only where {@code ffi-kvm} is. */
final class KvmChoice {
  private KvmChoice() {}

  /**
   * {@return the options for {@code auto}, {@code never} or {@code always}} Not by {@code valueOf},
   * which reflects, at the cost of half a millisecond of each start.
   */
  static Optional<KvmOptions> of(String ring3) {
    for (Ring3Policy policy : Ring3Policy.values()) {
      if (policy.name().equalsIgnoreCase(ring3)) {
        return Optional.of(KvmOptions.DEFAULT.withRing3(policy));
      }
    }
    throw new ConfigurationException("privilege level 3 %s is unknown".formatted(ring3));
  }
}
