// SPDX-License-Identifier: ISC
package dev.tealight.options;

import dev.tealight.ConfigurationException;
import dev.tealight.Monitor;
import dev.tealight.device.DeviceConfig;
import dev.tealight.launch.BuiltMonitor;
import java.util.List;
import java.util.Map;

/** The entry of a monitor with devices. */
public final class Main {
  private Main() {}

  /**
   * Runs the unikernel and ends the JVM with its status.
   *
   * @param words of the command line: first {@code --option:device=value} for devices, then the
   *     guest's, behind {@code --} if they could be mistaken
   */
  public static void main(String[] words) {
    BuiltMonitor.main(words, new OptionDevices());
  }

  /** Not a method reference, which would have to be made at each start. */
  private static final class OptionDevices implements BuiltMonitor.Devices {
    @Override
    public String[] attach(List<String> defaults, String[] words, Monitor.Builder builder) {
      try {
        MonitorWords read = MonitorWords.read(defaults, words);
        for (Map.Entry<String, DeviceConfig> device :
            new DeviceOptions().configure(read.devices()).entrySet()) {
          builder.device(device.getKey(), device.getValue());
        }
        return read.guest().toArray(new String[0]);
      } catch (UsageException e) {
        throw new ConfigurationException(String.valueOf(e.getMessage()), e);
      }
    }
  }
}
