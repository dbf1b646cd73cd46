// SPDX-License-Identifier: ISC
package dev.tealight.fuzz;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.tealight.ImageException;
import dev.tealight.solo5.HvtImage;
import dev.tealight.solo5.Manifest;
import java.util.List;

/** Manifests. */
class ManifestFuzzTest {

  @FuzzTest(maxDuration = "10m")
  void anyManifestIsRefusedOrHasNamesThatDiffer(byte[] manifest) {
    byte[] padded = new byte[4 + manifest.length];
    System.arraycopy(manifest, 0, padded, 4, manifest.length);
    List<Manifest.Entry> entries;
    try {
      entries =
          HvtImage.manifestOf(Elf.withNotes(List.of(Elf.note(Elf.MANIFEST_TYPE, padded))))
              .entries();
    } catch (ImageException e) {
      return;
    }
    if (entries.stream().map(Manifest.Entry::name).distinct().count() != entries.size()
        || entries.size() > Manifest.MAX_DEVICES) {
      throw new AssertionError(entries.toString());
    }
  }
}
