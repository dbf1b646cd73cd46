// SPDX-License-Identifier: ISC
package dev.tealight.tender;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tealight.Hypervisors;
import dev.tealight.launch.MonitorSettings;
import dev.tealight.spi.Availability;
import dev.tealight.tender.TenderProcess.Result;
import dev.tealight.testkit.Guests;
import dev.tealight.testkit.VirtioImage;
import dev.tealight.testkit.VirtioImage.Device;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.URI;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Monitors that were built, one for each set of devices, side by side with {@code run}. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS) // linking takes seconds
class BuildIT {

  /** A set of devices, with a guest that declares it. */
  enum Shape {
    CONSOLE("hello", ""),
    BLOCK("blk", "devices, block"),
    NET("net_mtu", "devices, net"),
    BOTH("bootinfo_both", "devices, block, net"),
    VIRTIO("pc", "devices, block, virtio, virtio with devices");

    final String guest;
    private final String conditions;

    Shape(String guest, String conditions) {
      this.guest = guest;
      this.conditions = conditions;
    }

    /** Creates the file of its guest. */
    Path image(Path folder) throws IOException {
      if (this != VIRTIO) {
        return Guests.copyTo(folder, guest);
      }
      return Files.write(
          folder.resolve("pc.virtio"),
          VirtioImage.of(Guests.kernel(guest), new Device("storage", 1)));
    }

    /** {@return the conditions of the table that hold for it} */
    Set<String> conditions() {
      return Set.of(conditions.split(", ", -1));
    }
  }

  private static final String TRACE = "-Djava.lang.invoke.MethodHandle.TRACE_RESOLVE=true";

  private Path folder = Path.of("");
  private final Map<Shape, Path> monitors = new EnumMap<>(Shape.class);
  private Path socket = Path.of("");

  @BeforeAll
  void build(@TempDir Path temporary) throws Exception {
    folder = temporary;
    for (Shape shape : Shape.values()) {
      monitors.put(shape, built(shape, shape.name(), "--no-cache"));
    }
    socket = folder.resolve("socket");
  }

  private Path built(Shape shape, String name, String... options) throws Exception {
    Path monitor = folder.resolve(name);
    List<String> words = new ArrayList<>(List.of("build", "--backend=kvm,softcpu"));
    words.addAll(List.of(options));
    words.addAll(List.of("-o", monitor.toString()));
    words.add(shape.image(folder).toString());
    Result result = TenderProcess.run(words.toArray(String[]::new));
    assertThat(result.status()).as(result.toString()).isZero();
    assertThat(result.err()).contains("tealight: linking ", "MiB");
    return monitor;
  }

  private Path monitor(Shape shape) {
    return monitors.getOrDefault(shape, Path.of(""));
  }

  private static void needs(String backend) {
    boolean available =
        Hypervisors.installed().stream()
            .anyMatch(
                provider ->
                    provider.name().equals(backend)
                        && provider.availability() instanceof Availability.Available);
    if (!available) {
      System.out.println("BuildIT is skipped for " + backend + ", which is not available");
    }
    assumeTrue(available, backend + " is not available");
  }

  private static Process start(Path monitor, String backend, List<String> words)
      throws IOException {
    Path launcher = monitor.resolve(MonitorSettings.read(monitor).name());
    List<String> command = new ArrayList<>(List.of(launcher.toString()));
    command.addAll(words);
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().put("TEALIGHT_BACKEND", backend);
    builder.environment().put("PATH", "/nowhere"); // Nothing is needed but what is inside.
    return builder.start();
  }

  private static Result run(Path monitor, String backend, List<String> words) throws Exception {
    return TenderProcess.finish(start(monitor, backend, words));
  }

  /** The same monitor with another guest of the same shape inside; linking takes longer. */
  private Path with(String guest) throws IOException {
    Path original = monitor(Shape.CONSOLE);
    Path copy = Files.createTempDirectory(folder, guest);
    try (Stream<Path> all = Files.walk(original)) {
      for (Path path : (Iterable<Path>) all::iterator) {
        Path target = copy.resolve(original.relativize(path));
        if (Files.isDirectory(path)) {
          Files.createDirectories(target);
        } else {
          Files.createLink(target, path);
        }
      }
    }
    MonitorSettings settings = MonitorSettings.read(original);
    byte[] image = Guests.image(guest);
    replace(copy.resolve(settings.image()), image);
    replace(
        copy.resolve(MonitorSettings.FILE),
        new MonitorSettings(
                settings.name(),
                settings.image(),
                MonitorSettings.checksum(image),
                settings.imageDigest(),
                settings.backends(),
                settings.ring3(),
                settings.memoryMib(),
                settings.deadline(),
                settings.confined(),
                settings.deviceOptions(),
                settings.arguments())
            .toText()
            .getBytes(StandardCharsets.UTF_8));
    return copy;
  }

  private static void replace(Path file, byte[] content) throws IOException {
    Files.delete(file); // The link, not what it links to.
    Files.write(file, content);
  }

  @ParameterizedTest
  @EnumSource
  void modulesAndPackagesAreThoseOfTheTable(Shape shape) throws Exception {
    Map<String, Set<String>> expected = table(shape);
    Map<String, Set<String>> found = new TreeMap<>();
    String runtime = monitor(shape).resolve("runtime").toString();
    try (FileSystem linked =
            FileSystems.newFileSystem(URI.create("jrt:/"), Map.of("java.home", runtime));
        Stream<Path> modules = Files.list(linked.getPath("/modules"))) {
      for (Path module : (Iterable<Path>) modules::iterator) {
        found.put(module.getFileName().toString(), packages(module));
      }
    }
    found.put("java.base", Set.of("those of the JDK"));
    assertThat(found).isEqualTo(expected);
  }

  private static Set<String> packages(Path module) throws IOException {
    try (Stream<Path> classes = Files.walk(module)) {
      Set<String> packages = new TreeSet<>();
      classes
          .filter(path -> path.toString().endsWith(".class") && path.getNameCount() > 3)
          .forEach(
              path ->
                  packages.add(module.relativize(path.getParent()).toString().replace('/', '.')));
      return packages;
    }
  }

  /** The rows of the table in docs/custom-monitors.md that hold for a shape. */
  private static Map<String, Set<String>> table(Shape shape) throws IOException {
    Map<String, Set<String>> modules = new TreeMap<>();
    for (String line : Files.readAllLines(Path.of("..", "docs", "custom-monitors.md"))) {
      String[] cells = line.split(" *\\| *", -1);
      if (cells.length == 5 && cells[1].startsWith("`")) {
        Set<String> conditions = new TreeSet<>(Arrays.asList(cells[3].split(", ", -1)));
        conditions.retainAll(shape.conditions());
        if (cells[3].equals("always") || cells[3].startsWith("backend") || !conditions.isEmpty()) {
          modules.put(
              cells[1].replace("`", ""),
              new TreeSet<>(Arrays.asList(cells[2].replace("`", "").split(", ", -1))));
        }
      }
    }
    return modules;
  }

  @ParameterizedTest
  @CsvSource({
    "CONSOLE, kvm",
    "CONSOLE, softcpu",
    "BLOCK, kvm",
    "BLOCK, softcpu",
    "NET, kvm",
    "NET, softcpu",
    "BOTH, kvm",
    "BOTH, softcpu",
    "VIRTIO, kvm",
    "VIRTIO, softcpu"
  })
  void outputAndStatusAreThoseOfRun(Shape shape, String backend) throws Exception {
    needs(backend);
    Files.deleteIfExists(socket);
    try (ServerSocketChannel peer = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      peer.bind(UnixDomainSocketAddress.of(socket));
      List<String> devices = new ArrayList<>();
      if (shape.conditions().contains("block")) {
        Path disk = Files.write(folder.resolve("disk.img"), disk());
        devices.add("--block:storage=" + disk);
      }
      if (shape.conditions().contains("net")) {
        devices.add("--net:service0=unix:" + socket);
      }
      List<String> run = new ArrayList<>(List.of("--backend=" + backend));
      run.addAll(devices);
      run.add(shape.image(folder).toString());
      run.add("Hello_Solo5");
      Result expected = TenderProcess.run(run.toArray(String[]::new));
      devices.add("Hello_Solo5");
      Result result = run(monitor(shape), backend, devices);
      assertThat(expected.status()).as(expected.toString()).isZero();
      assertThat(result).isEqualTo(expected);
    }
  }

  /** What {@code pc} expects, and the others do not mind. */
  private static byte[] disk() {
    return Arrays.copyOf("first sector\0".getBytes(StandardCharsets.US_ASCII), 64 << 10);
  }

  @ParameterizedTest
  @CsvSource({"status,42", "status,256", "exception,''", "xnow,''", "triplefault,''"})
  void statusAndMessagesAreThoseOfRun(String guest, String argument) throws Exception {
    Result expected =
        TenderProcess.run("--backend=softcpu", Guests.copyTo(folder, guest).toString(), argument);
    assertThat(run(with(guest), "softcpu", List.of(argument))).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource({"kvm, TERM", "kvm, INT", "softcpu, TERM", "softcpu, INT"})
  void signalEndsTheRunWithStatusOne(String backend, String signal) throws Exception {
    needs(backend);
    Process process = start(with("spin"), backend, List.of());
    process.inputReader().readLine();
    kill(process, signal);
    Result result = TenderProcess.finish(process);
    assertThat(result.status()).as(result.toString()).isEqualTo(1);
    assertThat(result.err()).isEqualTo("tealight: stopped by a signal\n");
  }

  private static void kill(Process process, String signal) throws Exception {
    String pid = Long.toString(process.pid());
    assertThat(new ProcessBuilder("kill", "-s", signal, pid).inheritIO().start().waitFor())
        .isZero();
  }

  @Test
  void imageThatWasChangedIsRefused() throws Exception {
    Path monitor = with("hello");
    byte[] image = Guests.image("hello");
    image[image.length / 2] ^= 1;
    replace(monitor.resolve("hello.hvt"), image);
    Result result = run(monitor, "softcpu", List.of("Hello_Solo5"));
    assertThat(result.status()).isEqualTo(1);
    assertThat(result.out()).isEmpty();
    assertThat(result.err())
        .startsWith("tealight: image ")
        .contains("was changed after this monitor was built", "build the monitor again");
  }

  @Test
  void backendThatIsNotInsideIsRefused() throws Exception {
    Result result = run(monitor(Shape.CONSOLE), "bhyve", List.of());
    assertThat(result.status()).isEqualTo(1);
    assertThat(result.err())
        .isEqualTo("tealight: backend bhyve is not in this monitor, there is: kvm, softcpu\n");
  }

  @Test
  void deviceThatIsNotAttachedIsNamed() throws Exception {
    Result result = run(monitor(Shape.BLOCK), "softcpu", List.of("guest's", "words"));
    assertThat(result.status()).isEqualTo(1);
    assertThat(result.err()).startsWith("tealight: device storage of type BLOCK_BASIC");
  }

  @Test
  void sameInputMakesTheSameBytesButForTheCaches() throws Exception {
    Path archive = folder.resolve("hello.tar");
    Path again = built(Shape.CONSOLE, "again", "--tar", archive.toString());
    Path first = monitor(Shape.CONSOLE);
    assertThat(digest(again)).isEqualTo(digest(first));
    try (Stream<Path> files = Files.walk(first)) {
      for (Path file : (Iterable<Path>) files.filter(Files::isRegularFile)::iterator) {
        Path other = again.resolve(first.relativize(file));
        assertThat(other).hasSameBinaryContentAs(file);
        assertThat(Files.isExecutable(other)).isEqualTo(Files.isExecutable(file));
      }
    }
    monitorFromAnArchiveUsesItsCaches(archive);
  }

  private static String digest(Path monitor) throws Exception {
    Result result = TenderProcess.run("inspect", monitor.toString());
    assertThat(result.status()).as(result.toString()).isZero();
    return result.out().lines().filter(line -> line.startsWith("digest")).findFirst().orElse("");
  }

  /** The files have other dates and another place than where the caches were recorded. */
  private void monitorFromAnArchiveUsesItsCaches(Path archive) throws Exception {
    Path elsewhere = Files.createDirectory(folder.resolve("elsewhere"));
    Process tar =
        new ProcessBuilder("tar", "-xf", archive.toString(), "-C", elsewhere.toString())
            .inheritIO()
            .start();
    assertThat(tar.waitFor()).isZero();
    Path monitor = elsewhere.resolve("hello");
    for (String backend : List.of("kvm", "softcpu")) {
      if (!Files.exists(monitor.resolve(backend + ".aot"))) {
        System.out.println("BuildIT checks no cache for " + backend + ", which is not available");
        continue;
      }
      Path launcher = monitor.resolve("hello");
      // The launcher's own words, the JVM's refusal to run without the cache, and its report on
      // forms of method handles.
      replace(
          launcher,
          Files.readString(launcher)
              .replace("$flags", "$flags -XX:AOTMode=on " + TRACE)
              .getBytes(StandardCharsets.UTF_8));
      assertThat(launcher.toFile().setExecutable(true)).isTrue();
      Result result = run(monitor, backend, List.of("Hello_Solo5"));
      assertThat(result.status()).as(result.toString()).isZero();
      assertThat(result.out()).contains("SUCCESS", "[LF_RESOLVE]");
      assertThat(result.out().lines().filter(line -> line.endsWith("(fail)")))
          .as("forms of method handles that method-handles.trace of tealight-build lacks")
          .isEmpty();
    }
  }

  /** Starts to build a monitor in a folder of its own, and returns while it is being linked. */
  private Process startToLink(Path place) throws IOException {
    Process process =
        TenderProcess.start(
            List.of(),
            "build",
            "-o",
            place.resolve("monitor").toString(),
            Shape.CONSOLE.image(folder).toString());
    BufferedReader err = process.errorReader();
    String line = err.readLine();
    while (line != null && !line.startsWith("tealight: linking")) {
      line = err.readLine();
    }
    assertThat(line).isNotNull();
    return process;
  }

  private static List<Path> content(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.toList();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"TERM", "INT"})
  void signalEndsABuildWhichLeavesNothing(String signal) throws Exception {
    Path place = Files.createTempDirectory(folder, signal);
    Process process = startToLink(place);
    kill(process, signal);
    assertThat(process.errorReader().readLine()).isEqualTo("tealight: stopped by a signal");
    assertThat(process.waitFor()).isEqualTo(1);
    assertThat(content(place)).isEmpty();
  }

  @Test
  void whatAKilledBuildLeavesIsRemovedByTheNext() throws Exception {
    Path place = Files.createTempDirectory(folder, "killed");
    Process process = startToLink(place);
    kill(process, "STOP"); // From here on it starts no other process, which would live on.
    List<ProcessHandle> all = new ArrayList<>(process.descendants().toList());
    all.add(process.toHandle());
    all.forEach(ProcessHandle::destroyForcibly);
    all.forEach(handle -> handle.onExit().join());
    assertThat(content(place)).singleElement().asString().contains(".tealight-build-monitor-");
    Result result =
        TenderProcess.run(
            "build",
            "--jmods=" + Files.createTempDirectory(folder, "empty"),
            "-o",
            place.resolve("monitor").toString(),
            Shape.CONSOLE.image(folder).toString());
    assertThat(result.status()).isEqualTo(1);
    assertThat(result.err()).contains("there is no java.base.jmod");
    assertThat(content(place)).isEmpty();
  }

  @Test
  void inspectTellsWhatIsInsideAndWhatWasChanged() throws Exception {
    Path monitor = with("hello");
    Result result = TenderProcess.run("inspect", monitor.toString());
    assertThat(result.status()).as(result.toString()).isZero();
    assertThat(result.out())
        .contains("monitor    hello: " + monitor, "defaults   --mem=512 hello.hvt\n")
        .contains("backends   kvm, softcpu\n", "modules    dev.tealight, ", ", java.base, ");
    assertThat(TenderProcess.run("inspect", "--json", monitor.toString()).out())
        .contains("\"backends\": [\"kvm\", \"softcpu\"]", "\"caches\": []");
    replace(monitor.resolve("hello.hvt"), new byte[1]);
    Result changed = TenderProcess.run("inspect", monitor.toString());
    assertThat(changed.status()).isEqualTo(1);
    assertThat(changed.err()).startsWith("tealight: the image was changed");
  }
}
