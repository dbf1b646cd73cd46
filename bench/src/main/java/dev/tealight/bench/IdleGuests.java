// SPDX-License-Identifier: ISC
package dev.tealight.bench;

import com.sun.management.OperatingSystemMXBean;
import dev.tealight.Console;
import dev.tealight.Hypervisor;
import dev.tealight.Hypervisors;
import dev.tealight.Monitor;
import dev.tealight.RunHandle;
import dev.tealight.device.net.NetConfig;
import dev.tealight.device.net.Tap;
import dev.tealight.multiboot.Multiboot;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;

/** Prints the processor time of guests that have a tap and nothing to do. */
final class IdleGuests {
  /** In which the guest starts and the JVM compiles what its idling needs. */
  private static final Duration BEFORE = Duration.ofSeconds(60);

  private static final NetConfig TAP = NetConfig.of(Tap.named("tap100"));

  private static final OperatingSystemMXBean PROCESS =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

  private final Duration time;

  private IdleGuests(Duration time) {
    this.time = time;
  }

  /**
   * Measures.
   *
   * @param arguments for how many seconds, the folder of kernels and a virtio image of Solo5 with a
   *     network device {@code service0}, or nothing to leave it out
   */
  public static void main(String[] arguments) throws InterruptedException {
    IdleGuests measurement = new IdleGuests(Duration.ofSeconds(Long.parseLong(arguments[0])));
    Path echo = Path.of(arguments[1], "echo.elf");
    Path hvt = Path.of(arguments[1], "net.hvt");
    Thread.sleep(BEFORE);
    measurement.print("no guest", "-");
    for (String backend : new String[] {"softcpu", "kvm"}) {
      try (Hypervisor hypervisor = Hypervisors.open(backend)) {
        measurement.run(
            "kernel, halted",
            kernel(echo, hypervisor)
                .bootProtocol(Multiboot.PROTOCOL.withDevice("service0", "NET_BASIC")));
        measurement.run("hvt, in a poll of 1 s", kernel(hvt, hypervisor));
        // A KVM without hardware virtualisation cannot start Solo5's virtio guests.
        if (arguments.length > 2 && backend.equals("softcpu")) {
          measurement.run(
              "Solo5 virtio, in a poll of 1 s", kernel(Path.of(arguments[2]), hypervisor));
        }
      }
    }
  }

  private static Monitor.Builder kernel(Path image, Hypervisor hypervisor) {
    return Monitor.builder()
        .image(image)
        .memoryByteSize(64 << 20)
        .device("service0", TAP)
        .console(Console.to((bytes, offset, length) -> {}))
        .hypervisor(hypervisor);
  }

  private void run(String guest, Monitor.Builder builder) throws InterruptedException {
    try (Monitor monitor = builder.build()) {
      RunHandle handle = monitor.start();
      Thread.sleep(BEFORE);
      print(guest, monitor.hypervisor().name());
      if (handle.result().isPresent()) {
        throw new IllegalStateException(guest + " ended with " + handle.result().get());
      }
    }
  }

  private void print(String guest, String backend) throws InterruptedException {
    long cpu = PROCESS.getProcessCpuTime();
    long wall = System.nanoTime();
    Thread.sleep(time);
    cpu = PROCESS.getProcessCpuTime() - cpu;
    wall = System.nanoTime() - wall;
    System.out.printf("%-32s %-8s %5.2f %% of a processor%n", guest, backend, 100.0 * cpu / wall);
  }
}
