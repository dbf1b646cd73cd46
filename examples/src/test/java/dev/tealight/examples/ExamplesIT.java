// SPDX-License-Identifier: ISC

package dev.tealight.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.tealight.Console;
import dev.tealight.Hypervisor;
import dev.tealight.HypervisorUnavailableException;
import dev.tealight.Hypervisors;
import dev.tealight.Monitor;
import dev.tealight.RunResult;
import dev.tealight.device.net.NetConfig;
import dev.tealight.testkit.Guests;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The examples do on a real hypervisor what the pages that show them say. */
class ExamplesIT {
  @SuppressWarnings("NullAway.Init") // set before all tests
  private static Hypervisor hypervisor;

  @TempDir Path folder;

  @BeforeAll
  static void findHypervisor() {
    try {
      hypervisor = Hypervisors.firstAvailable();
    } catch (HypervisorUnavailableException e) {
      abort(e.getMessage());
    }
  }

  @AfterAll
  static void closeHypervisor() {
    if (hypervisor != null) {
      hypervisor.close();
    }
  }

  @Test
  void readmeExampleRunsAUnikernelAndTellsItsStatus() throws Exception {
    Path hello = Guests.copyTo(folder, "hello");
    PrintStream stdout = System.out;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
    try {
      RunUnikernel.main(new String[] {hello.toString(), "Hello_Solo5"});
    } finally {
      System.setOut(stdout);
    }
    assertThat(printed.toString(StandardCharsets.UTF_8))
        .contains("SUCCESS")
        .endsWith("exit status 0\n");
  }

  @Test
  void randomDeviceFillsTheGuestsBuffer() throws Exception {
    StringBuilder output = new StringBuilder();
    try (RandomDevice device = new RandomDevice();
        Monitor monitor =
            custom(
                    "call 32 1 block+32 8 9 0 ; call 32 1 buffer 8192 9 ; call 32 7 buffer 8 9",
                    output)
                .device("custom", device)
                .entropy(bytes -> Arrays.fill(bytes, (byte) 0x5a))
                .build()) {
      assertThat(monitor.run()).isEqualTo(new RunResult.Halted(0));
      assertThat(monitor.memory().byteSize()).isPositive();
    }
    // The words of each block after the call: handle, buffer, length, result, and what was filled
    // in.
    assertThat(output.toString().lines())
        .anyMatch(
            line -> line.startsWith("call 32") && line.endsWith(" 0x8 0x0 0x5a5a5a5a5a5a5a5a"))
        .anyMatch(line -> line.startsWith("call 32") && line.endsWith(" 0x2000 0x2"))
        .anyMatch(line -> line.startsWith("call 32 went on with 0x7") && line.endsWith(" 0x8 0x2"));
  }

  @Test
  void randomDeviceGivenABadAddressEndsTheRunAsTheGuestsFault() throws Exception {
    try (RandomDevice device = new RandomDevice();
        Monitor monitor =
            custom("call 32 1 text 8 0", new StringBuilder()).device("custom", device).build()) {
      assertThat(monitor.run())
          .isInstanceOfSatisfying(
              RunResult.Faulted.class,
              fault -> assertThat(fault.reason()).startsWith("RANDOM_FILL: write of gpa=0x100"));
    }
  }

  @Test
  void countdownEndsTheGuestAtItsLastCall() throws Exception {
    StringBuilder output = new StringBuilder();
    try (Monitor monitor =
        Monitor.builder()
            .image("hypercall", Guests.image("hypercall"))
            .arguments(
                "call", "40", "0", ";", "call", "40", "0", ";", "call", "40", "0", ";", "call",
                "40")
            .hypercall(40, "COUNTDOWN", new Countdown(3))
            .console(Console.lines(line -> output.append(line).append('\n')))
            .hypervisor(hypervisor)
            .build()) {
      assertThat(monitor.run()).isEqualTo(new RunResult.Halted(0));
    }
    assertThat(output.toString().lines())
        .contains("call 40 went on with 0x2", "call 40 went on with 0x1");
    assertThat(output.toString()).doesNotContain("SUCCESS");
  }

  @Test
  void tinyMonitorRunsRealModeCode() {
    byte[] code = {
      (byte) 0xb0,
      'h', // mov al, 'h'
      (byte) 0xe6,
      (byte) 0xe9, // out 0xe9, al
      (byte) 0xb0,
      'i', // mov al, 'i'
      (byte) 0xe6,
      (byte) 0xe9, // out 0xe9, al
      (byte) 0xf4 // hlt
    };
    assertThat(new TinyMonitor().run(hypervisor, code)).isEqualTo("hi");
  }

  @Test
  void diskOverlayKeepsTheFileAsItWas() throws Exception {
    Path image = Guests.copyTo(folder, "blk");
    Path disk = Files.write(folder.resolve("disk.img"), new byte[64 * 4096]);
    assertThat(WithDisk.run(image, disk)).isEqualTo(new RunResult.Halted(0));
    assertThat(Files.readAllBytes(disk)).containsOnly(0);
  }

  @Test
  void linkOfOnesOwnGetsWhatTheGuestSendsAndAnswers() throws Exception {
    List<byte[]> frames = new CopyOnWriteArrayList<>();
    Function<byte[], Optional<byte[]>> function =
        frame -> {
          frames.add(frame);
          return frames.size() == 1 ? Optional.of(datagram()) : Optional.empty();
        };
    try (Monitor monitor =
        Monitor.builder()
            .image("net", Guests.image("net"))
            .arguments("limit", "1")
            .device(
                "service0", NetConfig.of(guest -> new AnsweringLink(function, new ArrayDeque<>())))
            .hypervisor(hypervisor)
            .build()) {
      assertThat(monitor.run()).isEqualTo(new RunResult.Halted(0));
    }
    assertThat(frames).extracting(frame -> frame.length).containsExactly(42, datagram().length);
    assertThat(frames.getLast()).endsWith("echo".getBytes(StandardCharsets.US_ASCII));
  }

  /** Of UDP to 10.0.0.2, which the guest sends back. */
  private static byte[] datagram() {
    byte[] text = "echo".getBytes(StandardCharsets.US_ASCII);
    return ByteBuffer.allocate(42 + text.length)
        .put(12, new byte[] {0x08, 0x00, 0x45, 0, 0, (byte) (28 + text.length)})
        .put(23, (byte) 17)
        .put(30, new byte[] {10, 0, 0, 2})
        .put(42, text)
        .array();
  }

  @Test
  void programOnTheSwitchGetsTheGuestsFirstFrame() throws Exception {
    Optional<byte[]> frame = OnASwitch.firstFrameOf(Guests.copyTo(folder, "net"));
    assertThat(frame).hasValueSatisfying(arp -> assertThat(arp).hasSize(42));
  }

  private static Monitor.Builder custom(String arguments, StringBuilder output) {
    return Monitor.builder()
        .image("hypercall_custom", Guests.image("hypercall_custom"))
        .arguments(arguments.split(" "))
        .console(Console.lines(line -> output.append(line).append('\n')))
        .hypervisor(hypervisor);
  }
}
