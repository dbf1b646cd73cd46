// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.Protection;
import dev.tealight.Region;
import dev.tealight.ffi.bhyve.internal.MemoryMappings.Piece;
import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

/** How regions become mappings. */
class MemoryMappingsTest {
  private static final long PAGE = 4096;
  private static final int PAGES = 64;

  @Test
  void memoryWithoutRegionsIsOneMapping() {
    assertThat(MemoryMappings.plan(List.of(), PAGES * PAGE))
        .containsExactly(new Piece(0, PAGES * PAGE, Protection.ALL));
  }

  @Test
  void neighboursOfOneProtectionShareAMapping() {
    assertThat(
            MemoryMappings.plan(
                List.of(
                    new Region(2 * PAGE, PAGE, Protection.READ_ONLY),
                    new Region(PAGE, PAGE, Protection.READ_ONLY),
                    new Region(3 * PAGE, PAGE, Protection.ALL)),
                PAGES * PAGE))
        .containsExactly(
            new Piece(0, PAGE, Protection.ALL),
            new Piece(PAGE, 2 * PAGE, Protection.READ_ONLY),
            new Piece(3 * PAGE, (PAGES - 3) * PAGE, Protection.ALL));
  }

  @Provide
  Arbitrary<List<Region>> regions() {
    Arbitrary<Protection> protection =
        Combinators.combine(
                Arbitraries.of(true, false),
                Arbitraries.of(true, false),
                Arbitraries.of(true, false))
            .as(Protection::new);
    Arbitrary<int[]> step = Arbitraries.integers().between(0, 5).array(int[].class).ofSize(2);
    return Combinators.combine(step, protection)
        .as((steps, each) -> new Region(steps[0] * PAGE, (steps[1] + 1) * PAGE, each))
        .list()
        .ofMaxSize(6)
        .map(MemoryMappingsTest::oneAfterTheOther);
  }

  /** The address of each is what it is away from the one before. */
  private static List<Region> oneAfterTheOther(List<Region> steps) {
    List<Region> regions = new ArrayList<>();
    long end = 0;
    for (Region step : steps) {
      Region region = new Region(end + step.gpa(), step.byteSize(), step.protection());
      regions.add(region);
      end = region.end();
    }
    return regions.reversed();
  }

  @Property
  void everyPageHasTheProtectionOfItsRegionAndNoPieceIsTooMany(
      @ForAll("regions") List<Region> regions) {
    List<Piece> pieces = MemoryMappings.plan(regions, PAGES * PAGE);
    for (long gpa = 0; gpa < PAGES * PAGE; gpa += PAGE) {
      assertThat(protection(pieces, gpa)).isEqualTo(expected(regions, gpa));
    }
    for (int i = 1; i < pieces.size(); i++) {
      Piece before = pieces.get(i - 1);
      Piece piece = pieces.get(i);
      assertThat(piece.gpa()).isGreaterThanOrEqualTo(before.end());
      assertThat(piece.gpa() == before.end() && piece.protection().equals(before.protection()))
          .isFalse();
    }
  }

  private static Protection protection(List<Piece> pieces, long gpa) {
    return pieces.stream()
        .filter(piece -> gpa >= piece.gpa() && gpa < piece.end())
        .map(Piece::protection)
        .findFirst()
        .orElse(new Protection(false, false, false));
  }

  private static Protection expected(List<Region> regions, long gpa) {
    return regions.stream()
        .filter(region -> gpa >= region.gpa() && gpa < region.end())
        .map(Region::protection)
        .findFirst()
        .orElse(Protection.ALL);
  }
}
