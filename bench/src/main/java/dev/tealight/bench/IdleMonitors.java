// SPDX-License-Identifier: ISC
package dev.tealight.bench;

import dev.tealight.Console;
import dev.tealight.Hypervisor;
import dev.tealight.Hypervisors;
import dev.tealight.Monitor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/** Prints what each additional monitor costs whose guest waits for input, in KiB. */
final class IdleMonitors {
  private static final int BEFORE = 50;

  private IdleMonitors() {}

  public static void main(String[] args) throws IOException, InterruptedException {
    byte[] image = Files.readAllBytes(Path.of(args[0]));
    int additional = Integer.parseInt(args[1]);
    List<Monitor> monitors = new ArrayList<>();
    try (Hypervisor hypervisor = Hypervisors.open("kvm")) {
      try {
        add(monitors, BEFORE, image, hypervisor);
        long before = kibibytes();
        add(monitors, additional, image, hypervisor);
        System.out.println((double) (kibibytes() - before) / additional);
      } finally {
        monitors.forEach(Monitor::close);
      }
    }
  }

  private static void add(List<Monitor> monitors, int count, byte[] image, Hypervisor hypervisor)
      throws InterruptedException {
    CountDownLatch printed = new CountDownLatch(count);
    for (int i = 0; i < count; i++) {
      Monitor monitor =
          Monitor.builder()
              .image("pollforever", image)
              .console(Console.to((bytes, offset, length) -> printed.countDown()))
              .hypervisor(hypervisor)
              .build();
      monitors.add(monitor);
      monitor.start();
    }
    printed.await();
  }

  /** {@return proportional set size and page tables of this process, after a collection} */
  private static long kibibytes() throws IOException {
    System.gc();
    return field("/proc/self/smaps_rollup", "Pss:") + field("/proc/self/status", "VmPTE:");
  }

  private static long field(String file, String name) throws IOException {
    return Files.readAllLines(Path.of(file)).stream()
        .filter(line -> line.startsWith(name))
        .map(line -> line.replaceAll("\\D", ""))
        .mapToLong(Long::parseLong)
        .findFirst()
        .orElseThrow();
  }
}
