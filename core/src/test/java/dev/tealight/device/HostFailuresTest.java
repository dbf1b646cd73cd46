// SPDX-License-Identifier: ISC
package dev.tealight.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class HostFailuresTest {
  private final List<String> told = new ArrayList<>();

  private DeviceContext context() {
    return (DeviceContext)
        Proxy.newProxyInstance(
            DeviceContext.class.getClassLoader(),
            new Class<?>[] {DeviceContext.class},
            (_, method, arguments) -> {
              assertThat(method.getName()).isEqualTo("hostFailure");
              told.add((String) arguments[0]);
              return null;
            });
  }

  @Test
  void failuresAreToldMoreAndMoreRarelyWithTheirNumber() {
    HostFailures failures = new HostFailures(context());
    for (int i = 0; i < 15; i++) {
      failures.report("read", new IOException());
    }
    assertThat(told)
        .containsExactly(
            "read",
            "read, failure number 2,",
            "read, failure number 4,",
            "read, failure number 8,");
  }
}
