// SPDX-License-Identifier: ISC

package dev.tealight.examples;

import dev.tealight.Monitor;
import dev.tealight.RunHandle;
import dev.tealight.device.net.NetConfig;
import dev.tealight.device.net.SwitchEndpoint;
import dev.tealight.device.net.VirtualSwitch;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/** Speaks to a unikernel without any privilege. */
public final class OnASwitch {
  private OnASwitch() {}

  /**
   * Runs a unikernel until it has sent a frame.
   *
   * @param image declares one network device, {@code service0}
   * @return the frame, if one came within 10 s
   * @throws InterruptedException if the calling thread is interrupted
   */
  public static Optional<byte[]> firstFrameOf(Path image) throws InterruptedException {
    // snippet: on-a-switch
    try (VirtualSwitch network = new VirtualSwitch();
        SwitchEndpoint here = network.port("here").endpoint();
        Monitor monitor =
            Monitor.builder()
                .image(image)
                .device("service0", NetConfig.of(network.port("guest")).mtu(1500))
                .build()) {
      RunHandle handle = monitor.start();
      Optional<byte[]> frame = here.receive(Duration.ofSeconds(10)); // here.send(frame) answers
      handle.stop();
      return frame;
    }
    // end
  }
}
