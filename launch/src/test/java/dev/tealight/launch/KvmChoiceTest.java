// SPDX-License-Identifier: ISC
package dev.tealight.launch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tealight.ConfigurationException;
import dev.tealight.ffi.kvm.KvmOptions.Ring3Policy;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class KvmChoiceTest {

  @ParameterizedTest
  @CsvSource({"auto, AUTO", "never, NEVER", "always, ALWAYS"})
  void policyIsFoundByItsNameInSettings(String text, Ring3Policy policy) {
    assertThat(KvmChoice.of(text).orElseThrow().ring3()).isEqualTo(policy);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "sometimes", "never "})
  void anythingElseIsRefused(String text) {
    assertThatThrownBy(() -> KvmChoice.of(text))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("privilege level 3 %s is unknown", text);
  }
}
