// SPDX-License-Identifier: ISC
package dev.tealight.fuzz;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.tealight.ConfigurationException;
import dev.tealight.Image;
import dev.tealight.ImageException;
import dev.tealight.solo5.HvtImage;
import dev.tealight.solo5.Solo5Hvt;

/** Image files. */
class ElfFuzzTest {

  @FuzzTest(maxDuration = "10m")
  void anyFileIsRefusedOrBoots(byte[] file) {
    HvtImage image;
    try {
      image = Solo5Hvt.open(Image.of("fuzz", file));
    } catch (ImageException e) {
      return;
    }
    try {
      image.boot(new Machine());
    } catch (ConfigurationException e) {
      // It needs more memory than this machine has.
    }
  }
}
