// SPDX-License-Identifier: ISC
package dev.tealight.options;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whose the words of a built monitor's command line are. */
class MonitorWordsTest {

  private static List<String> devices(MonitorWords words) {
    return words.devices().stream().map(DeviceOption::toString).toList();
  }

  @Test
  void optionsForDevicesComeFirstAndTheRestIsTheGuests() throws UsageException {
    MonitorWords words =
        MonitorWords.read(List.of(), "--block:a=x", "--net:b=tap0", "--port=80", "--block:c=y");
    assertThat(devices(words)).containsExactly("--block:a=x", "--net:b=tap0");
    assertThat(words.guest()).containsExactly("--port=80", "--block:c=y");
  }

  @Test
  void allBehindTwoDashesIsTheGuests() throws UsageException {
    MonitorWords words = MonitorWords.read(List.of(), "--block:a=x", "--", "--block:b=y", "--");
    assertThat(devices(words)).containsExactly("--block:a=x");
    assertThat(words.guest()).containsExactly("--block:b=y", "--");
  }

  @ParameterizedTest
  @ValueSource(strings = {"-v", "word", "--port=80", "--logs=*:debug", "--:a=b", "a:b=c", "--a:b"})
  void wordsOfAnotherFormAreTheGuests(String word) throws UsageException {
    MonitorWords words = MonitorWords.read(List.of(), word);
    assertThat(words.devices()).isEmpty();
    assertThat(words.guest()).containsExactly(word);
  }

  @Test
  void defaultsAreReplacedOneByOne() throws UsageException {
    List<String> defaults =
        List.of("--block:a=x", "--block-sector-size:a=4096", "--net:service=tap0");
    assertThat(devices(MonitorWords.read(defaults, "--block:a=y")))
        .containsExactly("--block-sector-size:a=4096", "--net:service=tap0", "--block:a=y");
    assertThat(devices(MonitorWords.read(defaults))).isEqualTo(defaults);
  }

  @Test
  void nameThatCannotBeADevicesIsRefused() {
    assertThatThrownBy(() -> MonitorWords.read(List.of(), "--block:a_b=x"))
        .isInstanceOf(UsageException.class)
        .hasMessageStartingWith("invalid option: --block:a_b=x");
  }

  @Property
  void noWordIsLost(@ForAll @Size(max = 6) List<String> given) {
    String[] words = given.toArray(String[]::new);
    try {
      MonitorWords read = MonitorWords.read(List.of(), words);
      int taken = read.devices().size();
      assertThat(devices(read)).isEqualTo(given.subList(0, taken));
      int dashes = taken < words.length && words[taken].equals("--") ? 1 : 0;
      assertThat(read.guest()).isEqualTo(given.subList(taken + dashes, words.length));
    } catch (UsageException e) {
      assertThat(e.getMessage()).startsWith("invalid option: --");
    }
  }
}
