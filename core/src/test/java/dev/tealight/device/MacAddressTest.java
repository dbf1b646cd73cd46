// SPDX-License-Identifier: ISC
package dev.tealight.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tealight.ConfigurationException;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MacAddressTest {

  @Test
  void groupsOfOneOrTwoDigitsAreRead() {
    assertThat(MacAddress.parse("2:0:0:a:B:ff")).isEqualTo(new MacAddress(0x0200000a0bffL));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "02",
        "02:00:00:00:00",
        "02:00:00:00:00:01:02",
        "02:00:00:00:00:",
        "02:00:00:00:00:001",
        "02:00:00:00:00:0g",
        "02:00:00:00:00:+1",
        "02-00-00-00-00-01",
        "00:00:00:00:00:00",
        "01:00:00:00:00:00",
        "ff:ff:ff:ff:ff:ff"
      })
  void whatIsNoAddressOfADeviceIsRefused(String text) {
    assertThatThrownBy(() -> MacAddress.parse(text))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(
            "MAC address %s: give six groups of hexadecimal digits, the first one even, for"
                + " instance 02:00:00:00:00:01",
            text);
  }

  @Property
  void textIsReadBack(@ForAll @LongRange(min = 1, max = 0xffff_ffff_ffffL) long bits) {
    MacAddress address = new MacAddress((bits & ~0x0100_0000_0000L) | 2);
    assertThat(MacAddress.parse(address.toString())).isEqualTo(address);
  }

  @Property
  void derivedAddressesAreLocalAndOfOneDevice(@ForAll String one, @ForAll String other) {
    MacAddress address = MacAddress.derivedFrom(one, other);
    assertThat((address.bits() >>> 40) & 3).isEqualTo(2);
    assertThat(MacAddress.derivedFrom(one, other)).isEqualTo(address);
  }

  @Test
  void derivedAddressesDifferWhereWordsDo() {
    assertThat(
            new MacAddress[] {
              MacAddress.derivedFrom("tap tap0", "service0"),
              MacAddress.derivedFrom("tap tap1", "service0"),
              MacAddress.derivedFrom("tap tap0", "service1"),
              MacAddress.derivedFrom("tap tap0service", "0"),
              MacAddress.derivedFrom("tap tap0service0")
            })
        .doesNotHaveDuplicates();
  }
}
