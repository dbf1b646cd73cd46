// SPDX-License-Identifier: ISC

package dev.tealight.internal.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tealight.ConfigurationException;
import dev.tealight.device.GuestCallHandler;
import dev.tealight.device.Outcome;
import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.jspecify.annotations.Nullable;

/** Each request has one owner. */
class HandlerTablePropertyTest {
  private static final GuestCallHandler NOTHING = call -> Outcome.CONTINUE;

  record Range(long first, long count) {
    boolean contains(long address) {
      return address >= first && address - first < count;
    }

    boolean overlaps(Range other) {
      return contains(other.first) || other.contains(first);
    }
  }

  @Provide
  Arbitrary<List<Range>> ranges() {
    return Combinators.combine(
            Arbitraries.longs().between(0, 300), Arbitraries.longs().between(1, 20))
        .as(Range::new)
        .list()
        .ofMaxSize(20);
  }

  @Property
  void rangesAreFoundByEachOfTheirAddressesAndOverlapsRefused(
      @ForAll("ranges") List<Range> ranges) {
    HandlerTable table = new HandlerTable();
    List<Range> taken = new ArrayList<>();
    for (Range range : ranges) {
      String owner = range.toString();
      if (taken.stream().anyMatch(range::overlaps)) {
        assertThatThrownBy(() -> table.mmio(range.first, range.count, owner, NOTHING))
            .isInstanceOf(ConfigurationException.class);
        assertThatThrownBy(() -> table.ports((int) range.first, (int) range.count, owner, NOTHING))
            .isInstanceOf(ConfigurationException.class);
      } else {
        table.mmio(range.first, range.count, owner, NOTHING);
        table.ports((int) range.first, (int) range.count, owner, NOTHING);
        taken.add(range);
      }
    }
    for (long address = -1; address < 330; address++) {
      long at = address;
      List<String> owners =
          taken.stream().filter(range -> range.contains(at)).map(Range::toString).toList();
      assertThat(owner(table.address(at))).isEqualTo(owners);
      assertThat(owner(table.port(at))).isEqualTo(owners);
    }
  }

  private static List<String> owner(HandlerTable.@Nullable Entry entry) {
    return entry == null ? List.of() : List.of(entry.owner());
  }

  @Example
  void takenPortNamesBothOwners() {
    HandlerTable table = new HandlerTable();
    table.ports(0x60, 5, "KEYBOARD", NOTHING);
    assertThatThrownBy(() -> table.ports(0x64, 1, "MOUSE", NOTHING))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("port 0x64 of MOUSE is taken by KEYBOARD");
  }

  @Example
  void takenAddressNamesBothOwners() {
    HandlerTable table = new HandlerTable();
    table.mmio(0xfee0_0000L, 0x1000, "APIC", NOTHING);
    assertThatThrownBy(() -> table.mmio(0xfedf_ff00L, 0x1000, "HPET", NOTHING))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("address 0xfee00000 of HPET is taken by APIC");
  }

  @Example
  void takenHypercallNamesBothOwners() {
    HandlerTable table = new HandlerTable();
    table.hypercall(4, "BLOCK_WRITE", NOTHING);
    assertThatThrownBy(() -> table.hypercall(4, "MINE", NOTHING))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("hypercall 4 of MINE is taken by BLOCK_WRITE");
  }

  @Example
  void numbersOutsideTheirRangeAreRefused() {
    HandlerTable table = new HandlerTable();
    for (int nr : new int[] {-1, 256, Integer.MIN_VALUE, Integer.MAX_VALUE}) {
      assertThatThrownBy(() -> table.hypercall(nr, "X", NOTHING))
          .isInstanceOf(ConfigurationException.class);
      assertThat(table.hypercall(nr)).isNull();
    }
    for (int[] ports : new int[][] {{-1, 1}, {0, 0}, {0xffff, 2}, {0x10000, 1}, {1, -1}}) {
      assertThatThrownBy(() -> table.ports(ports[0], ports[1], "X", NOTHING))
          .isInstanceOf(ConfigurationException.class);
    }
    for (long[] addresses : new long[][] {{-1, 1}, {0, 0}, {Long.MAX_VALUE, 1}, {5, -1}}) {
      assertThatThrownBy(() -> table.mmio(addresses[0], addresses[1], "X", NOTHING))
          .isInstanceOf(ConfigurationException.class);
    }
    table.ports(0, 0x10000, "ALL", NOTHING);
    assertThat(table.port(0xffff)).isNotNull();
  }
}
