// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import dev.tealight.spi.DebugControl.Feature;
import java.util.Set;

final class DebugProbe {
  private DebugProbe() {}

  static Set<Feature> features(KvmHypervisor hypervisor, boolean offered) {
    return Set.of();
  }
}
