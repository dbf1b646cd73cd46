// SPDX-License-Identifier: ISC
package dev.tealight.tender;

import java.lang.module.ModuleDescriptor;

/** What {@code --version} shows. */
final class Version {
  private Version() {}

  static String text() {
    ModuleDescriptor module = Version.class.getModule().getDescriptor();
    String version = module == null ? "unknown" : module.rawVersion().orElse("unknown");
    return "tealight %s%nSolo5 hvt ABI version 2".formatted(version);
  }
}
