// SPDX-License-Identifier: ISC
package dev.tealight.ffi.posix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.tealight.testkit.AbiFacts;
import java.io.IOException;
import java.lang.foreign.StructLayout;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What we say about Linux against what its headers say. */
class LinuxFactsTest {
  private final AbiFacts facts;

  LinuxFactsTest() throws IOException {
    facts = AbiFacts.read(LinuxFactsTest.class.getResourceAsStream("linux-facts.json"));
  }

  @ParameterizedTest
  @ValueSource(classes = {LinuxAbi.class, LinuxErrno.class, LinuxHostCalls.class})
  void constantsAreThoseOfTheHeaders(Class<?> holder) throws IllegalAccessException {
    Map<String, Long> known = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    known.putAll(facts.values());
    for (Field field : holder.getDeclaredFields()) {
      boolean number = field.getType() == int.class || field.getType() == long.class;
      if (number && Modifier.isStatic(field.getModifiers()) && !field.getName().contains("BYTE")) {
        field.setAccessible(true);
        assertThat(known).containsEntry(field.getName(), ((Number) field.get(null)).longValue());
      }
    }
  }

  @Test
  void structuresAreThoseOfTheHeaders() {
    for (StructLayout layout :
        new StructLayout[] {
          LinuxAbi.POLLFD,
          LinuxAbi.IFREQ,
          LinuxAbi.SOCKADDR_UN,
          LinuxAbi.TIMESPEC,
          LinuxAbi.SIGACTION
        }) {
      facts.checkLayout(layout);
    }
  }

  @Test
  void errorNumbersHaveTheirNames() {
    Map<String, Long> errors =
        facts.values().entrySet().stream()
            .filter(fact -> fact.getKey().matches("E[A-Z0-9]+"))
            .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));
    assertThat(errors).hasSize(16);
    errors.forEach((name, value) -> assertThat(LinuxErrno.name(value.intValue())).isEqualTo(name));
    assertThat(LinuxErrno.name(133)).isEqualTo("EHWPOISON");
    assertThat(LinuxErrno.name(134)).isEqualTo("errno");
    assertThat(LinuxErrno.name(0)).isEqualTo("errno");
  }

  @Test
  void factsAreThoseOfThisHostsHeaders() {
    try {
      assertThat(facts.values())
          .containsAllEntriesOf(
              AbiFacts.fromHeaders(LinuxFactsTest.class.getResourceAsStream("linux-facts.c"))
                  .values());
    } catch (IOException e) {
      abort("no C compiler or no headers of Linux and its C library here: " + e.getMessage());
    }
  }
}
