// SPDX-License-Identifier: ISC
package dev.tealight.options;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tealight.ConfigurationException;
import dev.tealight.device.DeviceConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** How options find the module that understands them. */
class DeviceOptionsTest {

  private static Map<String, DeviceConfig> configure(String... words) throws UsageException {
    List<DeviceOption> options = new ArrayList<>();
    for (String word : words) {
      options.add(DeviceOption.parse(word));
    }
    return new DeviceOptions().configure(options);
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
  void devicesOfSeveralModulesAreToldApart() throws UsageException {
    assertThat(configure("--net:service=tap0", "--block:storage=disk"))
        .hasEntrySatisfying(
            "service", config -> assertThat(config).hasToString("network device over tap tap0"))
        .containsKey("storage");
    assertThatThrownBy(() -> configure("--net:service=tap0", "--block-sector-size:service=512"))
        .isInstanceOf(UsageException.class)
        .hasMessage(
            "invalid option: --block-sector-size:service=512: device service is attached already");
    assertThatThrownBy(() -> configure("--net-mac:service=02:00:00:00:00:01"))
        .isInstanceOf(UsageException.class)
        .hasMessage("device service is not attached: add --net:service=LINK");
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
