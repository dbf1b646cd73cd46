// SPDX-License-Identifier: ISC
package dev.tealight.bench;

import com.sun.management.ThreadMXBean;
import dev.tealight.Console;
import dev.tealight.Hypervisor;
import dev.tealight.Hypervisors;
import dev.tealight.Monitor;
import dev.tealight.RunHandle;
import dev.tealight.device.FrameLink;
import dev.tealight.device.MacAddress;
import dev.tealight.device.net.LinkConditions;
import dev.tealight.device.net.NetConfig;
import dev.tealight.device.net.SwitchEndpoint;
import dev.tealight.device.net.Tap;
import dev.tealight.device.net.VirtualSwitch;
import dev.tealight.ffi.kvm.KvmOptions;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Compares guests on taps with those of a tender in C that has the command line of {@code
 * solo5-hvt}, and the virtual switch with taps on a bridge. Both sides take turns in each round.
 * Runs in a network namespace that {@code bench/run} made: tap100 with 10.0.0.1/24, tap101 and
 * tap102 on a bridge.
 */
final class NetworkBench {
  private static final int PINGS = 500;
  private static final int FLOOD_PINGS = 3000;
  private static final int FRAMES = 30_000;

  /** More than are sent before the other guest has its frames. */
  private static final String WITHOUT_END = "1000000000000";

  private static final MacAddress SENDER = new MacAddress(0x0200_0000_0002L);
  private static final MacAddress RECEIVER = new MacAddress(0x0200_0000_0003L);
  private static final int ECHOES = 2000;
  private static final int ALLOCATION_ROUNDS = 5;
  private static final int WARM_UP_ECHOES = 500;
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final int[] SIZES = {64, 1514};
  private static final Pattern RTT = Pattern.compile("= [0-9.]+/([0-9.]+)/");
  private static final Pattern FLOOD = Pattern.compile("([0-9]+) received, .* time ([0-9]+)ms");
  private static final Pattern NANOS = Pattern.compile(" in ([0-9]+) ns");
  private static final String AWAKE = "serving";

  private final String peer;
  private final Path guests;
  private final int rounds;
  private final Hypervisor hypervisor;
  private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private NetworkBench(String peer, int rounds, Hypervisor hypervisor) {
    this.peer = peer;
    this.guests = Path.of(System.getProperty("tealight.bench.guests"));
    this.rounds = rounds;
    this.hypervisor = hypervisor;
  }

  /**
   * Runs the comparison.
   *
   * @param args the peer's program, the number of rounds, letters of the parts and the privilege
   *     level at which guests start (0, or 3 where KVM needs it); or {@code soak} and the minutes
   */
  public static void main(String[] args) throws Exception {
    KvmOptions options =
        args.length > 3 && args[3].equals("0")
            ? KvmOptions.DEFAULT.withRing3(KvmOptions.Ring3Policy.NEVER)
            : KvmOptions.DEFAULT;
    try (Hypervisor hypervisor = Hypervisors.open(options)) {
      if (args[0].equals("soak")) {
        new NetworkBench("", 0, hypervisor).soak(Integer.parseInt(args[1]));
        return;
      }
      new NetworkBench(args[0], Integer.parseInt(args[1]), hypervisor).run(args[2]);
    }
  }

  private interface Measurement {
    double run() throws Exception;
  }

  private void run(String parts) throws Exception {
    System.out.printf(
        "%d rounds of %s; each figure is a median (with minimum and maximum)%n", rounds, parts);
    if (parts.contains("a")) {
      pings("net", "");
    }
    if (parts.contains("b")) {
      pings("net_ring", " by the ring");
    }
    if (parts.contains("c")) {
      sources("frames", "");
    }
    if (parts.contains("d")) {
      sources("frames_ring", " by the ring");
    }
    if (parts.contains("e")) {
      bridges(hypervisor, "frames", "");
    }
    if (parts.contains("f")) {
      bridges(hypervisor, "frames_ring", " by the ring");
    }
    if (parts.contains("i")) {
      try (Hypervisor softcpu = Hypervisors.open("softcpu")) {
        bridges(softcpu, "frames", " on the software CPU");
      }
    }
    if (parts.contains("j")) {
      links();
    }
    if (parts.contains("g")) {
      allocation("frames");
      allocation("frames_ring");
    }
    if (parts.contains("h")) {
      fairness();
    }
  }

  private void pings(String program, String how) throws Exception {
    compare(
        "ping round trip%s, ms".formatted(how),
        () -> ours(program, () -> ping(RTT, "-i", "0.002", "-c", Integer.toString(PINGS))),
        () -> theirs(program, () -> ping(RTT, "-i", "0.002", "-c", Integer.toString(PINGS))));
    compare(
        "flood%s, pings answered per second".formatted(how),
        () -> ours(program, () -> ping(FLOOD, "-f", "-c", Integer.toString(FLOOD_PINGS))),
        () -> theirs(program, () -> ping(FLOOD, "-f", "-c", Integer.toString(FLOOD_PINGS))));
  }

  private void sources(String program, String how) throws Exception {
    for (int size : SIZES) {
      compare(
          "frames of %d bytes sent to a tap%s, per second".formatted(size, how),
          () -> source(program, size),
          () -> peerSource(program, size));
    }
  }

  private void bridges(Hypervisor on, String program, String how) throws Exception {
    for (int size : SIZES) {
      compare(
          "frames of %d bytes between guests%s, per second".formatted(size, how),
          () -> switched(on, program, size),
          () -> between(on, program, Tap.named("tap101"), Tap.named("tap102"), size));
    }
  }

  /** What a frame takes on the way without a guest at either end. */
  private void links() throws Exception {
    for (int size : SIZES) {
      compare(
          "frames of %d bytes sent and received, per second".formatted(size),
          () -> {
            try (VirtualSwitch network = new VirtualSwitch()) {
              return carried(network.port("source"), network.port("sink"), size);
            }
          },
          () -> carried(Tap.named("tap101"), Tap.named("tap102"), size));
    }
  }

  private static double carried(FrameLink.Opener from, FrameLink.Opener to, int size)
      throws IOException {
    try (Arena arena = Arena.ofConfined();
        FrameLink source = from.open(SENDER);
        FrameLink sink = to.open(RECEIVER)) {
      MemorySegment frame = arena.allocate(size);
      MemorySegment.copy(RECEIVER.toBytes(), 0, frame, ValueLayout.JAVA_BYTE, 0, 6);
      MemorySegment.copy(SENDER.toBytes(), 0, frame, ValueLayout.JAVA_BYTE, 6, 6);
      MemorySegment buffer = arena.allocate(FrameLink.MAX_FRAME_BYTE_SIZE);
      int taken = 0;
      long start = System.nanoTime();
      for (int i = 0; i < 10 * FRAMES; i++) {
        source.send(frame, 0, size);
        while (sink.receive(buffer, 0, FrameLink.MAX_FRAME_BYTE_SIZE) > 0) {
          taken++;
        }
      }
      long nanos = System.nanoTime() - start;
      // A bridge forwards a little later at times, and brings frames of the host.
      if (taken < 9 * FRAMES) {
        throw new IOException("only %d of %d frames came".formatted(taken, 10 * FRAMES));
      }
      return taken * 1e9 / nanos;
    }
  }

  private void compare(String what, Measurement first, Measurement second) throws Exception {
    double[] ours = new double[rounds];
    double[] theirs = new double[rounds];
    double _ = first.run();
    for (int i = 0; i < rounds; i++) {
      // Whoever comes second may find the machine in another state.
      if (i % 2 == 0) {
        ours[i] = first.run();
        theirs[i] = second.run();
      } else {
        theirs[i] = second.run();
        ours[i] = first.run();
      }
    }
    System.out.printf(
        "%-58s ours %-28s other %-28s ratio %s%n",
        what, Sample.of(ours), Sample.of(theirs), Sample.ratio(ours, theirs));
  }

  private Monitor.Builder monitor(String program, FrameLink.Opener link, int mac) {
    return monitor(hypervisor, program, link, mac);
  }

  private Monitor.Builder monitor(Hypervisor on, String program, FrameLink.Opener link, int mac) {
    return Monitor.builder()
        .image(guests.resolve(program + ".hvt"))
        .memoryByteSize(16 << 20)
        .device("service0", NetConfig.of(link).mac(new MacAddress(0x0200_0000_0000L | mac)))
        .hypervisor(on);
  }

  private double ours(String program, Measurement measurement) throws Exception {
    CompletableFuture<Integer> awake = new CompletableFuture<>();
    try (Monitor monitor =
        monitor(program, Tap.named("tap100"), 2)
            .console(Console.direct((bytes, offset, length) -> awake.complete(length)))
            .build()) {
      RunHandle handle = monitor.start();
      int _ = awake.get();
      double result = measurement.run();
      handle.stop();
      var _ = handle.await();
      return result;
    }
  }

  private double theirs(String program, Measurement measurement) throws Exception {
    Process process = new ProcessBuilder(peerCommand(program)).start();
    try {
      var output = process.inputReader(StandardCharsets.ISO_8859_1);
      String line = output.readLine();
      while (line != null && !line.contains(AWAKE)) {
        line = output.readLine();
      }
      return measurement.run();
    } finally {
      process.destroyForcibly().waitFor();
    }
  }

  private List<String> peerCommand(String program, String... arguments) {
    List<String> command =
        new ArrayList<>(
            List.of(
                peer,
                "--mem=16",
                "--net:service0=tap100",
                "--net-mac:service0=02:00:00:00:00:02",
                guests.resolve(program + ".hvt").toString()));
    command.addAll(List.of(arguments));
    return command;
  }

  private static double ping(Pattern pattern, String... options) throws Exception {
    List<String> command = new ArrayList<>(List.of("ping", "-q", "10.0.0.2"));
    command.addAll(List.of(options));
    Matcher matcher = find(pattern, output(command));
    double first = Double.parseDouble(matcher.group(1));
    return matcher.groupCount() == 1 ? first : first * 1000 / Integer.parseInt(matcher.group(2));
  }

  private static Matcher find(Pattern pattern, String text) throws IOException {
    Matcher matcher = pattern.matcher(text);
    if (!matcher.find()) {
      throw new IOException("no %s in: %s".formatted(pattern, text));
    }
    return matcher;
  }

  private static String output(List<String> command) throws Exception {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
    int _ = process.waitFor();
    return text;
  }

  private static double perSecond(String text) throws IOException {
    return FRAMES * 1e9 / Double.parseDouble(find(NANOS, text).group(1));
  }

  private double source(String program, int size) throws Exception {
    ByteArrayOutputStream output = new ByteArrayOutputStream();
    try (Monitor monitor =
        monitor(program, Tap.named("tap100"), 2)
            .arguments("source", Integer.toString(FRAMES), Integer.toString(size))
            .console(Console.direct(output::write))
            .build()) {
      var _ = monitor.run();
    }
    return perSecond(output.toString(StandardCharsets.ISO_8859_1));
  }

  private double peerSource(String program, int size) throws Exception {
    return perSecond(
        output(peerCommand(program, "source", Integer.toString(FRAMES), Integer.toString(size))));
  }

  private double switched(Hypervisor on, String program, int size) throws Exception {
    try (VirtualSwitch network = new VirtualSwitch()) {
      return between(on, program, network.port("source"), network.port("sink"), size);
    }
  }

  /** One guest sends without end, the other tells how long it took to get its frames. */
  private double between(
      Hypervisor on, String program, FrameLink.Opener from, FrameLink.Opener to, int size)
      throws Exception {
    ByteArrayOutputStream output = new ByteArrayOutputStream();
    try (Monitor sink =
            monitor(on, program, to, 3)
                .arguments("sink", Integer.toString(FRAMES))
                .console(Console.direct(output::write))
                .build();
        Monitor source =
            monitor(on, program, from, 2)
                .arguments("source", WITHOUT_END, Integer.toString(size), "3")
                .build()) {
      RunHandle taking = sink.start();
      RunHandle sending = source.start();
      var _ = taking.await();
      sending.stop();
      var _ = sending.await();
    }
    return perSecond(output.toString(StandardCharsets.ISO_8859_1));
  }

  /** Of all threads, from start to end, for two numbers of frames: the rest is per frame. */
  private void allocation(String program) throws Exception {
    long few = Long.MAX_VALUE;
    long many = Long.MAX_VALUE;
    for (int i = 0; i < ALLOCATION_ROUNDS; i++) { // the first ones compile
      few = Math.min(few, sourceAllocation(program, FRAMES));
      many = Math.min(many, sourceAllocation(program, 3 * FRAMES));
    }
    System.out.printf(
        "bytes allocated by %d more frames of %s to a tap: %d%n", 2 * FRAMES, program, many - few);
  }

  private long sourceAllocation(String program, int count) throws Exception {
    try (Monitor monitor =
        monitor(program, Tap.named("tap100"), 2)
            .arguments("source", Integer.toString(count), "1514")
            .build()) {
      long start = threads.getTotalThreadAllocatedBytes();
      var _ = monitor.run();
      return threads.getTotalThreadAllocatedBytes() - start;
    }
  }

  /** An echo on the switch, alone and beside a guest that sends to all without end. */
  private void fairness() throws Exception {
    for (boolean flooded : new boolean[] {false, true}) {
      try (VirtualSwitch network = new VirtualSwitch();
          SwitchEndpoint here = network.port("here").endpoint();
          Monitor echo = monitor("frames", network.port("echo"), 2).arguments("echo").build();
          Monitor flood = monitor("frames", network.port("flood"), 3).arguments("flood").build()) {
        RunHandle echoing = echo.start();
        RunHandle flooding = flood.start();
        if (!flooded) {
          flooding.pause();
        }
        double[] millis = echoes(here);
        System.out.printf(
            Locale.ROOT,
            "echo on the switch, %s a guest that floods, ms: median %.3f, p99 %.3f%n",
            flooded ? "beside" : "without",
            millis[millis.length / 2],
            millis[millis.length * 99 / 100]);
        flooding.stop();
        echoing.stop();
        var _ = echoing.await();
        var _ = flooding.await();
      }
    }
  }

  private static double[] echoes(SwitchEndpoint here) throws InterruptedException {
    double[] millis = new double[ECHOES];
    byte[] frame = new byte[64];
    System.arraycopy(new MacAddress(0x0200_0000_0002L).toBytes(), 0, frame, 0, 6);
    System.arraycopy(new MacAddress(0x0200_0000_0101L).toBytes(), 0, frame, 6, 6);
    for (int i = -WARM_UP_ECHOES; i < ECHOES; i++) {
      frame[20] = (byte) i;
      frame[21] = (byte) (i >> 8);
      long start = System.nanoTime();
      here.send(frame);
      byte[] back;
      do {
        if (System.nanoTime() - start > PATIENCE.toNanos()) { // however many others' frames come
          throw new IllegalStateException("no echo within " + PATIENCE);
        }
        back = here.receive(PATIENCE).orElseThrow();
      } while (!Arrays.equals(back, 20, 22, frame, 20, 22) || back[11] != 2);
      if (i >= 0) {
        millis[i] = (System.nanoTime() - start) / 1e6;
      }
    }
    Arrays.sort(millis);
    return millis;
  }

  /** Floods a switch and a tap, and prints what memory the process has. */
  private void soak(int minutes) throws Exception {
    try (VirtualSwitch network = new VirtualSwitch();
        SwitchEndpoint _ = network.port("here").endpoint();
        Monitor echo = monitor("frames", network.port("echo"), 2).arguments("echo").build();
        Monitor flood = monitor("frames", network.port("flood"), 3).arguments("flood").build();
        Monitor onTap = monitor("frames", Tap.named("tap100"), 4).arguments("flood").build()) {
      network.ports().get(1).conditions(LinkConditions.seeded(1).withDelay(Duration.ofMillis(5)));
      List<RunHandle> handles = List.of(echo.start(), flood.start(), onTap.start());
      for (int minute = 0; minute <= minutes; minute++) {
        if (minute > 0) {
          Thread.sleep(60_000);
        }
        System.gc();
        Runtime runtime = Runtime.getRuntime();
        System.out.printf(
            "minute %d: heap %d KiB, %s, sent %d, for the echo queued %d and dropped %d%n",
            minute,
            (runtime.totalMemory() - runtime.freeMemory()) / 1024,
            residentSet(),
            network.ports().get(2).counters().sentFrames(),
            network.ports().get(1).counters().receivedFrames(),
            network.ports().get(1).counters().droppedFrames());
      }
      for (RunHandle handle : handles) {
        handle.stop();
        var _ = handle.await();
      }
    }
  }

  private static String residentSet() throws IOException {
    return Files.readAllLines(Path.of("/proc/self/status")).stream()
        .filter(line -> line.startsWith("VmRSS"))
        .findFirst()
        .orElse("")
        .replaceAll("\\s+", " ");
  }
}
