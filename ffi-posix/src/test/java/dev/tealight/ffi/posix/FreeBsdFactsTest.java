// SPDX-License-Identifier: ISC
package dev.tealight.ffi.posix;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.testkit.AbiFacts;
import java.io.IOException;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What we say about FreeBSD against what its headers say. */
class FreeBsdFactsTest {
  private final AbiFacts facts;

  FreeBsdFactsTest() throws IOException {
    facts = AbiFacts.read(FreeBsdFactsTest.class.getResourceAsStream("freebsd-facts.json"));
  }

  @ParameterizedTest
  @ValueSource(classes = {FreeBsdAbi.class, FreeBsdErrno.class})
  void constantsAreThoseOfTheHeaders(Class<?> holder) throws IllegalAccessException {
    for (Field field : holder.getDeclaredFields()) {
      if (field.getType() == int.class && Modifier.isStatic(field.getModifiers())) {
        facts.check(field.getName(), field.getInt(null));
      }
    }
  }

  @Test
  void whatIsSharedWithLinuxIsTheSame() {
    for (StructLayout layout : new StructLayout[] {LinuxAbi.POLLFD, LinuxAbi.TIMESPEC}) {
      facts.checkLayout(layout);
    }
    facts.check("AF_INET", LinuxAbi.AF_INET);
    facts.check("SOCK_DGRAM", LinuxAbi.SOCK_DGRAM);
    facts.check("IFF_UP", LinuxAbi.IFF_UP);
    facts.check("PROT_READ", LinuxAbi.PROT_READ);
    facts.check("PROT_WRITE", LinuxAbi.PROT_WRITE);
    facts.check("MAP_SHARED", LinuxAbi.MAP_SHARED);
    facts.check("POLLIN", LinuxAbi.POLLIN);
    facts.check("EINTR", LinuxErrno.EINTR);
  }

  @Test
  void structuresOfTapsAreThoseOfTheHeaders() {
    facts.checkLayout(FreeBsdAbi.IFREQ);
    facts.checkLayout(FreeBsdAbi.TAPINFO);
  }

  @Test
  void requestsAreEncodedAsTheHeaderDoes() {
    int group = 'v' << 8;
    int size = 8 << 16;
    assertThat(Integer.toUnsignedLong(FreeBsdIoctl.none("NAME", 'v', 5).code()))
        .isEqualTo(facts.value("IOC_VOID") | group | 5);
    assertThat(
            Integer.toUnsignedLong(FreeBsdIoctl.write("N", 'v', 5, ValueLayout.JAVA_LONG).code()))
        .isEqualTo(facts.value("IOC_IN") | size | group | 5);
    assertThat(
            Integer.toUnsignedLong(
                FreeBsdIoctl.readWrite("N", 'v', 5, ValueLayout.JAVA_LONG).code()))
        .isEqualTo(facts.value("IOC_IN") | facts.value("IOC_OUT") | size | group | 5);
  }

  @Test
  void errorNumbersHaveTheirNames() {
    Map<String, Long> errors =
        facts.values().entrySet().stream()
            .filter(fact -> fact.getKey().matches("E[A-Z0-9]+"))
            .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));
    assertThat(errors).hasSizeGreaterThan(25);
    errors.forEach(
        (name, value) -> assertThat(FreeBsdErrno.name(value.intValue())).isEqualTo(name));
    assertThat(FreeBsdErrno.name(98)).isEqualTo("errno");
    assertThat(FreeBsdErrno.name(0)).isEqualTo("errno");
  }
}
