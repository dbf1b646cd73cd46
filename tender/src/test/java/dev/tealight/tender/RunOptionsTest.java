// SPDX-License-Identifier: ISC
package dev.tealight.tender;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tealight.ffi.kvm.KvmOptions.Ring3Policy;
import dev.tealight.options.DeviceOption;
import dev.tealight.options.UsageException;
import dev.tealight.tender.RunOptions.Action;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.AlphaChars;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.NumericChars;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.constraints.StringLength;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The grammar of the command line, without looking at any file. */
class RunOptionsTest {

  @Test
  void sharedRingIsOfferedUnlessItIsTurnedOff() throws UsageException {
    assertThat(RunOptions.parse("x").hasNetRing()).isTrue();
    assertThat(RunOptions.parse("--net-ring=on", "x").hasNetRing()).isTrue();
    assertThat(RunOptions.parse("--net-ring=off", "x").hasNetRing()).isFalse();
    assertThatThrownBy(() -> RunOptions.parse("--net-ring=maybe", "x"))
        .isInstanceOf(UsageException.class)
        .hasMessage("option --net-ring=maybe: give on or off");
  }

  @Test
  void firstWordWithoutADashIsTheImage() throws UsageException {
    RunOptions options = RunOptions.parse("--mem=64", "web.hvt", "--mem=2", "--", "-v");
    assertThat(options.image()).isEqualTo("web.hvt");
    assertThat(options.memoryMib()).isEqualTo(64);
    assertThat(options.guestArguments()).containsExactly("--mem=2", "--", "-v");
    assertThat(options.isVerbose()).isFalse();
  }

  @Test
  void wordAfterTwoDashesIsTheImageWhateverItLooksLike() throws UsageException {
    RunOptions options = RunOptions.parse("--", "--help", "--solo5:quiet");
    assertThat(options.action()).isEqualTo(Action.RUN);
    assertThat(options.image()).isEqualTo("--help");
    assertThat(options.guestArguments()).containsExactly("--solo5:quiet");
  }

  @Test
  void withoutWordsThereIsNoImageAndTheDefaultsHold() throws UsageException {
    RunOptions options = RunOptions.parse();
    assertThat(options.image()).isNull();
    assertThat(options.memoryMib()).isEqualTo(512);
    assertThat(options.backend()).isNull();
    assertThat(options.deadline()).isNull();
  }

  @ParameterizedTest
  @CsvSource({
    "4,4",
    "4096,4096",
    "512M,512",
    "0002,2",
    "4097,4097",
    "99999999999999,8796093022207"
  })
  void memoryIsTheDigitsInFront(String value, long mib) throws UsageException {
    assertThat(RunOptions.parse("--mem=1", "--mem=" + value, "x").memoryMib()).isEqualTo(mib);
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "-1", "abc", "M512", "+5", " 5"})
  void memoryThatIsZeroOrNoNumberIsRefused(String value) {
    assertThatThrownBy(() -> RunOptions.parse("--mem=" + value, "x"))
        .isInstanceOf(UsageException.class)
        .hasMessageStartingWith("option --mem=" + value + ": give the memory");
  }

  @ParameterizedTest
  @CsvSource({"auto,AUTO", "never,NEVER", "always,ALWAYS"})
  void privilegeLevelIsAChoiceOfTheBackendKvm(String value, Ring3Policy policy)
      throws UsageException {
    RunOptions options = RunOptions.parse("--ring3=" + value, "x");
    assertThat(options.ring3()).isEqualTo(policy);
    assertThat(options.backend()).isEqualTo("kvm");
  }

  @Test
  void privilegeLevelOfAnotherBackendIsRefused() {
    assertThatThrownBy(() -> RunOptions.parse("--ring3=never", "--backend=other", "x"))
        .isInstanceOf(UsageException.class)
        .hasMessage("option --ring3 is for the backend kvm, not for other");
  }

  @Test
  void unknownPrivilegeLevelIsRefused() {
    assertThatThrownBy(() -> RunOptions.parse("--ring3=yes", "x"))
        .isInstanceOf(UsageException.class)
        .hasMessage("option --ring3=yes: give auto, never or always");
  }

  @ParameterizedTest
  @CsvSource({"--virtual-time,0", "--virtual-time=42,42"})
  void virtualTimeIsAChoiceOfTheSoftwareCpu(String word, long seed) throws UsageException {
    RunOptions options = RunOptions.parse(word, "x");
    assertThat(options.seed()).isEqualTo(seed);
    assertThat(options.backend()).isEqualTo("softcpu");
  }

  @Test
  void virtualTimeOfAnotherBackendIsRefused() {
    assertThatThrownBy(() -> RunOptions.parse("--virtual-time", "--backend=kvm", "x"))
        .isInstanceOf(UsageException.class)
        .hasMessage("option --virtual-time is for the backend softcpu, not for kvm");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "x", "-1", "1234567890123456789"})
  void seedThatIsNoShortNumberIsRefused(String value) {
    assertThatThrownBy(() -> RunOptions.parse("--virtual-time=" + value, "x"))
        .isInstanceOf(UsageException.class)
        .hasMessage("option --virtual-time=%s: give a number of at most 18 digits as seed", value);
  }

  @ParameterizedTest
  @ValueSource(strings = {"--mem", "--mem=", "--backend", "--backend=", "--deadline="})
  void optionsWithoutTheirValueAreRefused(String word) {
    assertThatThrownBy(() -> RunOptions.parse(word, "x"))
        .isInstanceOf(UsageException.class)
        .hasMessageContaining("needs a value");
  }

  @ParameterizedTest
  @CsvSource({"5,PT5S", "0.25,PT0.25S", "1.5000000009,PT1.5S"})
  void deadlineIsInSeconds(String value, Duration duration) throws UsageException {
    assertThat(RunOptions.parse("--deadline=" + value, "x").deadline()).isEqualTo(duration);
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "0.0", "-1", "1s", ".5", "1.", "1.2.3", "9999999999", "abc"})
  void deadlinesThatAreNoPositiveSecondsAreRefused(String value) {
    assertThatThrownBy(() -> RunOptions.parse("--deadline=" + value, "x"))
        .isInstanceOf(UsageException.class)
        .hasMessageContaining("give seconds above 0");
  }

  @Test
  void optionsOfDevicesAreKeptInOrder() throws UsageException {
    assertThat(
            RunOptions.parse("--block-sector-size:a=512", "--block:a=x=y:z", "--net:b=@3", "i")
                .deviceOptions())
        .containsExactly(
            new DeviceOption("block-sector-size", "a", "512"),
            new DeviceOption("block", "a", "x=y:z"),
            new DeviceOption("net", "b", "@3"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "-",
        "-x",
        "---",
        "--foo",
        "--foo=1",
        "--block",
        "--block:",
        "--block:a",
        "--block:=x",
        "--block:a_b=x",
        "--block:a b=x",
        "-block:a=x",
        "--block:ä=x"
      })
  void otherWordsWithADashAreRefused(String word) {
    assertThatThrownBy(() -> RunOptions.parse(word, "x"))
        .isInstanceOf(UsageException.class)
        .hasMessageStartingWith("invalid option: " + word);
  }

  @ParameterizedTest
  @ValueSource(strings = {"--gdb", "--gdb-port=1234", "--dumpcore=/tmp"})
  void whatIsNotOfferedIsNamed(String word) {
    assertThatThrownBy(() -> RunOptions.parse(word, "x"))
        .isInstanceOf(UsageException.class)
        .hasMessageContaining("is not offered");
  }

  @Test
  void namesHaveUpTo67Characters() throws UsageException {
    String longest = "n".repeat(67);
    assertThat(RunOptions.parse("--block:" + longest + "=x").deviceOptions()).hasSize(1);
    assertThatThrownBy(() -> RunOptions.parse("--block:n" + longest + "=x"))
        .isInstanceOf(UsageException.class);
  }

  @Test
  void helpAndVersionCountOnlyBeforeTheImage() throws UsageException {
    assertThat(RunOptions.parse("--mem=4", "--help").action()).isEqualTo(Action.HELP);
    assertThat(RunOptions.parse("--version", "--nonsense").action()).isEqualTo(Action.VERSION);
    assertThat(RunOptions.parse("image", "--help").action()).isEqualTo(Action.RUN);
  }

  @Property
  void anythingIsUnderstoodOrRefused(@ForAll @Size(max = 6) List<String> words) {
    try {
      RunOptions options = RunOptions.parse(words.toArray(String[]::new));
      assertThat(options.memoryMib()).isPositive();
    } catch (UsageException e) {
      assertThat(e.getMessage()).isNotBlank();
    }
  }

  @Property
  void nothingBehindTheImageIsRead(
      @ForAll @AlphaChars @StringLength(min = 1, max = 8) String image,
      @ForAll @Size(max = 6) List<String> arguments)
      throws UsageException {
    String[] words = new String[arguments.size() + 1];
    words[0] = image;
    for (int i = 0; i < arguments.size(); i++) {
      words[i + 1] = arguments.get(i);
    }
    RunOptions options = RunOptions.parse(words);
    assertThat(options.image()).isEqualTo(image);
    assertThat(Arrays.asList(options.guestArguments())).isEqualTo(arguments);
    assertThat(options.memoryMib()).isEqualTo(RunOptions.DEFAULT_MEMORY_MIB);
  }

  @Property
  void validDeviceOptionsComeBackAsTheyWere(
      @ForAll @AlphaChars @NumericChars @StringLength(min = 1, max = 67) String name,
      @ForAll String value,
      @ForAll @IntRange(min = 1, max = 4096) int mib)
      throws UsageException {
    String word = "--block:" + name + "=" + value;
    RunOptions options = RunOptions.parse("--mem=" + mib, word, "image");
    assertThat(options.memoryMib()).isEqualTo(mib);
    assertThat(options.deviceOptions()).singleElement().hasToString(word);
  }
}
