// SPDX-License-Identifier: ISC
package dev.tealight.launch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tealight.ConfigurationException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is written is what is read. */
class MonitorSettingsTest {
  private static MonitorSettings settings(List<String> words) {
    return new MonitorSettings(
        "web",
        "web.hvt",
        0xffffffffL,
        "00ff",
        List.of("kvm", "softcpu"),
        "",
        64,
        Optional.of(Duration.ofMillis(2500)),
        true,
        words,
        words);
  }

  @Property
  void settingsComeBackAsTheyWere(@ForAll @Size(max = 4) List<String> words) {
    assertThat(MonitorSettings.parse(settings(words).toText())).isEqualTo(settings(words));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "name\n", "name=web", "name=web\nimage=x\n", "\n"})
  void damagedFileIsRefusedByName(String text, @TempDir Path folder) throws IOException {
    Path file = Files.writeString(folder.resolve(MonitorSettings.FILE), text);
    assertThatThrownBy(() -> MonitorSettings.read(folder))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageStartingWith(file + " cannot be read: ")
        .hasMessageEndingWith("; build the monitor again");
  }
}
