// SPDX-License-Identifier: ISC
package dev.tealight.internal.run;

import dev.tealight.Console;
import dev.tealight.Entropy;
import dev.tealight.Hypervisor;
import dev.tealight.Image;
import dev.tealight.MonitorObserver;
import dev.tealight.TimeSource;
import dev.tealight.VmOptions;
import dev.tealight.device.Device;
import dev.tealight.device.DeviceConfig;
import dev.tealight.device.GuestCallRegistry;
import dev.tealight.internal.host.SharedHypervisors;
import dev.tealight.spi.BootProtocol;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * What a machine is made of; the builder of {@link dev.tealight.Monitor} documents each part.
 *
 * @param limit on the run, zero for none
 * @param time empty for the vCPU's, if it has its own, or the host's
 * @param entropy likewise
 * @param executor empty for a thread of its own
 */
public record MachineSpec(
    String name,
    Supplier<Image> image,
    BootProtocol protocol,
    long memoryByteSize,
    VmOptions.HugePages hugePages,
    List<String> arguments,
    Map<String, Attachment> devices,
    List<Consumer<GuestCallRegistry>> handlers,
    Console console,
    Host host,
    Duration limit,
    Optional<TimeSource> time,
    Optional<Entropy> entropy,
    Optional<Executor> executor,
    List<MonitorObserver> observers) {

  /** A device that the embedder attached. */
  public sealed interface Attachment {}

  /** A device to be made, and closed, by the machine. */
  public record Configured(DeviceConfig config) implements Attachment {}

  /** A device that the embedder made and closes. */
  public record Existing(Device device) implements Attachment {}

  /** Where the hypervisor comes from. */
  public sealed interface Host {}

  /** A hypervisor that the embedder opened and closes. */
  public record Given(Hypervisor hypervisor) implements Host {}

  /** A hypervisor shared by all machines on the same backend. */
  public record Shared(Supplier<SharedHypervisors.Lease> share) implements Host {}
}
