// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.decode;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The second table must not hold what the first one would answer for it. */
class InstructionSetTest {
  private static final int MAPS = 8;

  @Test
  void noOpcodeIsInBothTables() {
    List<String> both = new ArrayList<>();
    int general = 0;
    int vectors = 0;
    for (int map = 0; map < MAPS; map++) {
      for (int prefix = OpcodeTable.PREFIX_NONE; prefix <= OpcodeTable.PREFIX_F2; prefix++) {
        for (int opcode = 0; opcode < 256; opcode++) {
          for (int modRm = -1; modRm < 256; modRm++) {
            Opcode first = InstructionSet.general().find(map, prefix, opcode, modRm);
            Opcode second = InstructionSet.vectors().find(map, prefix, opcode, modRm);
            general += first == null ? 0 : 1;
            vectors += second == null ? 0 : 1;
            if (first != null && second != null) {
              both.add(first.text() + " and " + second.text());
            }
          }
        }
      }
    }
    assertThat(both).isEmpty();
    assertThat(general).isPositive();
    assertThat(vectors).isPositive();
  }
}
