// SPDX-License-Identifier: ISC
package dev.tealight.tender;

import dev.tealight.spi.DeviceProvider;
import dev.tealight.spi.DeviceProvider.Option;
import java.io.PrintStream;
import java.util.List;

/** What {@code run} understands, for people. */
final class Usage {

  /** All options but those of devices. */
  static final List<Option> OPTIONS =
      List.of(
          new Option("mem", "N", "memory of the guest in MiB; 512 unless given"),
          new Option("backend", "NAME", "run on this backend; the first available unless given"),
          new Option(
              "ring3",
              "WHEN",
              "start guests on KVM at privilege level 3: auto (where its level 0 has no SSE), never"
                  + " or always"),
          new Option(
              "virtual-time",
              "SEED",
              "run on softcpu, the same way each time: time passes with instructions, waits take"
                  + " none; without =SEED the seed is 0"),
          new Option(
              "net-ring",
              "STATE",
              "offer guests with network devices the shared ring: on (unless given) or off"),
          new Option("deadline", "SECONDS", "stop the guest after this time"),
          new Option(
              "verbose", "", "tell which backend was chosen and why others were not; also -v"),
          new Option(
              "no-seccomp", "", "let the process keep all system calls while the guest runs"),
          new Option("help", "", "show this text"),
          new Option("version", "", "show the version"));

  private static final String LINE = "usage: tealight run [OPTIONS] [--] IMAGE [ARGUMENTS]";

  private Usage() {}

  /** For those who got it wrong: what was wrong stays in sight. */
  static void printShort(PrintStream stream) {
    stream.println(LINE);
    stream.println("More: tealight run --help");
  }

  static void print(PrintStream stream, List<DeviceProvider> providers) {
    stream.println(LINE);
    stream.println(
        "IMAGE is the file of a Solo5 unikernel, for hvt or virtio; ARGUMENTS are for the"
            + " unikernel.");
    stream.println("Without an IMAGE, run runs a unikernel that ships with Tealight.");
    stream.println("Options:");
    for (Option option : OPTIONS) {
      print(stream, "--" + option.name(), option);
    }
    stream.println("Devices, NAME being the name in the unikernel's manifest:");
    for (DeviceProvider provider : providers) {
      for (Option option : provider.options()) {
        print(stream, "--" + option.name() + ":NAME", option);
      }
    }
    stream.flush();
  }

  private static void print(PrintStream stream, String name, Option option) {
    String left = option.valueLabel().isEmpty() ? name : name + "=" + option.valueLabel();
    stream.println("  %-32s %s".formatted(left, option.help()));
  }
}
