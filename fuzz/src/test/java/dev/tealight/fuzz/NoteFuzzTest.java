// SPDX-License-Identifier: ISC
package dev.tealight.fuzz;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.tealight.ImageException;
import dev.tealight.solo5.HvtImage;
import java.util.Arrays;
import java.util.List;

/** Notes of an image. */
class NoteFuzzTest {

  @FuzzTest(maxDuration = "10m")
  void anyNotesAreRefusedOrTellTheAbi(byte[] notes) {
    int length = notes.length == 0 ? 0 : (notes[0] & 0xff) % notes.length;
    List<byte[]> both =
        List.of(Arrays.copyOf(notes, length), Arrays.copyOfRange(notes, length, notes.length));
    try {
      HvtImage.abiOf(Elf.withNotes(both));
    } catch (ImageException e) {
      // Refused.
    }
    try {
      HvtImage.manifestOf(Elf.withNotes(both.reversed()));
    } catch (ImageException e) {
      // Refused.
    }
  }
}
