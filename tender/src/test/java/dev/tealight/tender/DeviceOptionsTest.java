// SPDX-License-Identifier: ISC
package dev.tealight.tender;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tealight.ConfigurationException;
import dev.tealight.device.DeviceConfig;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** How options find the module that understands them. */
class DeviceOptionsTest {

  private static Map<String, DeviceConfig> configure(String... words) throws UsageException {
    return new DeviceOptions().configure(RunOptions.parse(words).deviceOptions());
  }

  @Test
  void refiningMayComeBeforeAttaching() throws UsageException {
    assertThat(configure("--block-sector-size:b=4096", "--block:b=disk", "--block:a=other"))
        .containsOnlyKeys("a", "b");
  }

  @Test
  void deviceThatIsOnlyRefinedIsNotAttached() {
    assertThatThrownBy(() -> configure("--block-sector-size:storage=4096"))
        .isInstanceOf(UsageException.class)
        .hasMessage("device storage is not attached: add --block:storage=PATH");
  }

  @Test
  void deviceIsAttachedOnce() {
    assertThatThrownBy(() -> configure("--block:storage=a", "--block:storage=b"))
        .isInstanceOf(UsageException.class)
        .hasMessage("invalid option: --block:storage=b: device storage is attached already");
  }

  @Test
  void optionOfAModuleThatIsNotInstalledNamesTheModule() {
    assertThatThrownBy(() -> configure("--net:service=tap0"))
        .isInstanceOf(UsageException.class)
        .hasMessage(
            "invalid option: --net:service=tap0: the module dev.tealight.device.net is not"
                + " installed");
    assertThatThrownBy(() -> configure("--net-mac:service=02:00:00:00:00:01"))
        .isInstanceOf(UsageException.class)
        .hasMessageContaining("dev.tealight.device.net");
  }

  @Test
  void optionNobodyUnderstandsIsNamed() {
    assertThatThrownBy(() -> configure("--disk:storage=a"))
        .isInstanceOf(UsageException.class)
        .hasMessage("invalid option: --disk:storage=a");
  }

  @Test
  void valueThatCannotBeIsRefusedByItsModule() {
    assertThatThrownBy(() -> configure("--block:storage=a", "--block-sector-size:storage=521"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageStartingWith("Block size must be a multiple of 2 greater than or equal 512");
  }
}
