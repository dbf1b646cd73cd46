// SPDX-License-Identifier: ISC

package dev.tealight.testkit.contract;

import dev.tealight.device.DeviceConfig;
import dev.tealight.spi.UnprivilegedStart;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** One run of a guest program and how it has to end. */
final class GuestCase {

  /** How a run ends. */
  sealed interface End {}

  /** By HALT with a status. */
  record Halts(int status) implements End {}

  /** By the guest's fault; the reason contains a text. */
  record Faults(String reason) implements End {}

  /** Not at all: it is stopped once its console shows the first text. */
  record IsStopped() implements End {}

  /** By the guest's fault, or not at all: it is stopped after a moment. */
  record FaultsOrIsStopped() implements End {}

  final String program;
  private String name;
  private List<String> arguments = List.of();
  private final Map<String, DeviceConfig> devices = new LinkedHashMap<>();
  private End end = new Halts(0);
  private final List<String> texts = new ArrayList<>();
  private final List<String> absentTexts = new ArrayList<>();
  private boolean needsSse;
  private Optional<End> endIfProtected = Optional.empty();
  private Optional<End> endIfUnprivileged = Optional.empty();
  private boolean preventedAsRead;

  private GuestCase(String program) {
    this.program = program;
    this.name = program;
  }

  /** {@return a run without arguments and devices that ends with status 0} */
  static GuestCase guest(String program) {
    return new GuestCase(program);
  }

  GuestCase arguments(String... words) {
    arguments = List.of(words);
    String line = String.join(" ", words);
    name = "%s %s".formatted(program, line.length() > 40 ? line.substring(0, 40) + "…" : line);
    return this;
  }

  GuestCase device(String deviceName, DeviceConfig config) {
    devices.put(deviceName, config);
    return this;
  }

  /** Adds to its name what is special about it. */
  GuestCase with(String what) {
    name += ", " + what;
    return this;
  }

  GuestCase succeeds() {
    return halts(0, "SUCCESS");
  }

  GuestCase aborts() {
    return halts(255, "ABORT");
  }

  GuestCase halts(int status, String... expectedTexts) {
    end = new Halts(status);
    texts.addAll(List.of(expectedTexts));
    return this;
  }

  GuestCase faults(String reason) {
    end = new Faults(reason);
    return this;
  }

  GuestCase isStoppedAfter(String text) {
    end = new IsStopped();
    texts.add(text);
    return this;
  }

  GuestCase faultsOrIsStopped() {
    end = new FaultsOrIsStopped();
    return this;
  }

  GuestCase without(String text) {
    absentTexts.add(text);
    return this;
  }

  /** A processor without SSE and x87 at privilege level 0 stops at the first such instruction. */
  GuestCase needsSse() {
    needsSse = true;
    return this;
  }

  /** Where the host prevents what the program does, it ends as a translation fault instead. */
  GuestCase faultsIfPrevented() {
    endIfProtected = Optional.of(new Faults("host/guest translation fault"));
    return this;
  }

  /** What it ends with if {@link UnprivilegedStart} shows it that it is not privileged. */
  GuestCase haltsUnprivileged(int status) {
    endIfUnprivileged = Optional.of(new Halts(status));
    return this;
  }

  /** As {@link #faultsIfPrevented}; what the program does is read what it may only execute. */
  GuestCase faultsIfReadPrevented() {
    preventedAsRead = true;
    return faultsIfPrevented();
  }

  List<String> arguments() {
    return arguments;
  }

  Map<String, DeviceConfig> devices() {
    return devices;
  }

  boolean usesSse() {
    return needsSse;
  }

  End end() {
    return end;
  }

  Optional<End> endIfUnprivileged() {
    return endIfUnprivileged;
  }

  Optional<End> endIfPrevented() {
    return endIfProtected;
  }

  boolean isPreventedAsRead() {
    return preventedAsRead;
  }

  List<String> texts() {
    return texts;
  }

  List<String> absentTexts() {
    return absentTexts;
  }

  @Override
  public String toString() {
    return name;
  }
}
