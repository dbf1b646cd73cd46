// SPDX-License-Identifier: ISC
package dev.tealight.build;

import dev.tealight.ConfigurationException;
import dev.tealight.Image;
import dev.tealight.launch.MonitorSettings;
import dev.tealight.solo5.HvtImage;
import dev.tealight.solo5.Solo5;
import dev.tealight.spi.BootImage;
import dev.tealight.spi.BootImage.DeclaredDevice;
import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Builds a monitor for one unikernel: a folder with a launcher, the image, its default options and
 * a Java runtime that holds the modules which this guest needs and no others. The modules come from
 * the module or class path of the program that builds, the runtime from its JDK.
 *
 * <p>The same input makes the same bytes, but for the optional caches of the start. One thread.
 */
public final class MonitorBuild {
  private static final Set<String> RING3_POLICIES = Set.of("auto", "never", "always");
  private static final String CONTENT = "content"; // of an image, for messages

  /** What the settings can hold, in nanoseconds: 292 years. */
  private static final Duration LONGEST_DEADLINE = Duration.ofNanos(Long.MAX_VALUE);

  private final Path image;
  private @Nullable String name;
  private List<String> backends = List.of(usualBackend());
  private long memoryMib = 512;
  private Optional<Duration> deadline = Optional.empty();
  private String ring3 = "";
  private boolean confined = true;
  private List<String> deviceOptions = List.of();
  private List<String> arguments = List.of();
  private Optional<Path> jmods = Optional.empty();
  private boolean cached = true;
  private Optional<Path> tar = Optional.empty();
  private Consumer<String> progress = line -> {};

  private MonitorBuild(Path image) {
    this.image = image;
  }

  /**
   * Starts with an image and the defaults.
   *
   * @param image file of a Solo5 unikernel for hvt or virtio
   * @return what can be refined and built
   */
  public static MonitorBuild of(Path image) {
    return new MonitorBuild(Objects.requireNonNull(image, "image"));
  }

  private static String usualBackend() {
    return switch (System.getProperty("os.name", "")) {
      case "Linux" -> "kvm";
      case "FreeBSD" -> "bhyve";
      default -> "softcpu";
    };
  }

  /**
   * Sets the name of unikernel and launcher; that of the image's file, without its ending, unless
   * called.
   *
   * @param name letters, digits, dots, dashes and underscores, a letter or digit first
   * @return this
   */
  public MonitorBuild name(String name) {
    this.name = Objects.requireNonNull(name, "name");
    return this;
  }

  /**
   * Sets which backends are inside; {@code kvm} on Linux, {@code bhyve} on FreeBSD and {@code
   * softcpu} elsewhere unless called. The first that is available runs the guest, in the order in
   * which {@link dev.tealight.Hypervisors} tries them.
   *
   * @param backends names, at least one, in any order
   * @return this
   */
  public MonitorBuild backends(String... backends) {
    this.backends = List.of(backends);
    return this;
  }

  /**
   * Sets the size of guest memory; 512 unless called.
   *
   * @param mib in MiB, at least 1
   * @return this
   */
  public MonitorBuild memoryMib(long mib) {
    memoryMib = mib;
    return this;
  }

  /**
   * Sets how long the guest may run; for ever unless called.
   *
   * @param limit positive, at most 2^63 - 1 nanoseconds
   * @return this
   */
  public MonitorBuild deadline(Duration limit) {
    deadline = Optional.of(limit);
    return this;
  }

  /**
   * Sets when guests on KVM start at privilege level 3. The guest then runs on KVM alone.
   *
   * @param policy {@code auto}, {@code never} or {@code always}
   * @return this
   */
  public MonitorBuild ring3(String policy) {
    ring3 = Objects.requireNonNull(policy, "policy");
    return this;
  }

  /**
   * Sets whether the process gives up the system calls that a running guest does not need; it does
   * unless called.
   *
   * @param confined whether it does
   * @return this
   */
  public MonitorBuild confined(boolean confined) {
    this.confined = confined;
    return this;
  }

  /**
   * Sets options for devices, which those on the command line replace one by one.
   *
   * @param words each {@code --option:device=value}, as on the command line
   * @return this
   */
  public MonitorBuild deviceOptions(List<String> words) {
    deviceOptions = List.copyOf(words);
    return this;
  }

  /**
   * Sets the guest's arguments, for when the command line has none.
   *
   * @param arguments words
   * @return this
   */
  public MonitorBuild arguments(List<String> arguments) {
    this.arguments = List.copyOf(arguments);
    return this;
  }

  /**
   * Sets where the modules of the JDK come from; from this JDK unless called, for its own platform
   * alone.
   *
   * @param folder the {@code jmods} of a JDK of the same version, of any platform
   * @return this
   */
  public MonitorBuild jmods(Path folder) {
    jmods = Optional.of(folder);
    return this;
  }

  /**
   * Sets whether the start is recorded in a cache for each backend, which takes some seconds and a
   * run of the guest with devices made for the purpose; it is unless called. A cache makes starts
   * faster by more than half, and is not the same twice.
   *
   * @param cached whether it is
   * @return this
   */
  public MonitorBuild cached(boolean cached) {
    this.cached = cached;
    return this;
  }

  /**
   * Sets where the monitor is written as a tar archive too, below its name; nowhere unless called.
   *
   * @param file to be created or replaced
   * @return this
   */
  public MonitorBuild tar(Path file) {
    tar = Optional.of(file);
    return this;
  }

  /**
   * Sets who is told what is being done; nobody unless called.
   *
   * @param listener gets lines
   * @return this
   */
  public MonitorBuild progress(Consumer<String> listener) {
    progress = Objects.requireNonNull(listener, "listener");
    return this;
  }

  /**
   * Finds out what the monitor will consist of, and builds nothing.
   *
   * @return the plan
   * @throws dev.tealight.ImageException if the image cannot be run
   * @throws ConfigurationException if an option cannot be, or a module is missing; names it
   */
  public MonitorPlan plan() {
    check();
    return plan(guest(), new InstalledModules());
  }

  private MonitorPlan plan(Guest guest, InstalledModules installed) {
    List<DeclaredDevice> devices = guest.devices();
    Map<String, String> roots = new LinkedHashMap<>();
    roots.put(InstalledModules.LAUNCH, "starts the guest");
    for (String backend : backends) {
      add(roots, installed.ofBackend(backend), "backend " + backend);
    }
    guest
        .platform()
        .ifPresent(
            platform -> {
              add(roots, installed.ofPlatform(image, platform), "platform " + platform);
              if (!devices.isEmpty()) {
                add(roots, installed.ofVirtio(image), "shows devices to the guest");
              }
            });
    for (DeclaredDevice device : devices) {
      add(
          roots,
          installed.ofDevice(image, device),
          "device %s (%s)".formatted(device.name(), device.type()));
      roots.put(InstalledModules.OPTIONS, "reads the options of devices");
    }
    if (devices.isEmpty() && !deviceOptions.isEmpty()) {
      throw new ConfigurationException(
          "option %s: image %s declares no devices".formatted(deviceOptions.getFirst(), image));
    }
    return new MonitorPlan(launcherName(), guest.target(), backends, installed.closure(roots));
  }

  /** An image in memory, and what it says of itself as far as it decides what is linked. */
  private record Guest(
      Image image, String target, List<DeclaredDevice> devices, Optional<String> platform) {
    byte[] content() {
      return image.read(0, Math.toIntExact(image.byteSize()), CONTENT);
    }
  }

  /** Reads the file once, so that what is packed is what was looked at. */
  private Guest guest() {
    Image read;
    try (Image opened = Image.open(image)) {
      // No heap has room for the largest of arrays, which is then said.
      int byteSize = Math.clamp(opened.byteSize(), 0, Integer.MAX_VALUE - 1);
      read = Image.of(image.toString(), opened.read(0, byteSize, CONTENT));
    }
    BootImage boot = Solo5.PROTOCOL.open(read);
    return new Guest(read, HvtImage.abiOf(read).targetName(), boot.devices(), boot.platform());
  }

  private static void add(Map<String, String> roots, String module, String reason) {
    roots.merge(module, reason, (before, now) -> before + ", " + now);
  }

  private void check() {
    if (backends.isEmpty()) {
      throw new ConfigurationException("no backend was given: give at least one, such as kvm");
    }
    if (Set.copyOf(backends).size() < backends.size()) {
      throw new ConfigurationException(
          "backend given twice: %s".formatted(String.join(", ", backends)));
    }
    if (memoryMib < 1) {
      throw new ConfigurationException(
          "guest memory of %d MiB: give at least 1".formatted(memoryMib));
    }
    if (!ring3.isEmpty() && !RING3_POLICIES.contains(ring3)) {
      throw new ConfigurationException(
          "privilege level 3 %s: give auto, never or always".formatted(ring3));
    }
    if (!ring3.isEmpty() && !backends.equals(List.of("kvm"))) {
      throw new ConfigurationException(
          "privilege level 3 %s is for the backend kvm alone, not for %s"
              .formatted(ring3, String.join(", ", backends)));
    }
    if (deadline.isPresent()
        && (!deadline.get().isPositive() || deadline.get().compareTo(LONGEST_DEADLINE) > 0)) {
      throw new ConfigurationException(
          "deadline of %s: give a positive duration of at most %s"
              .formatted(deadline.get(), LONGEST_DEADLINE));
    }
  }

  private String launcherName() {
    String chosen = name;
    if (chosen == null) {
      String file = String.valueOf(image.getFileName());
      chosen = file.indexOf('.') > 0 ? file.substring(0, file.lastIndexOf('.')) : file;
    }
    if (!chosen.matches("[A-Za-z0-9][A-Za-z0-9._-]*")
        || chosen
            .toLowerCase(Locale.ROOT)
            .matches("runtime|monitor\\.settings|.*\\.(aot|sha256)")) {
      throw new ConfigurationException(
          "name %s: give letters, digits, dots, dashes and underscores, and no name of the monitor's own files"
              .formatted(chosen));
    }
    return chosen;
  }

  /**
   * Builds the monitor. It appears in its folder when all of it is there.
   *
   * @param folder to be created; one that holds a built monitor is replaced
   * @return the monitor
   * @throws dev.tealight.ImageException if the image cannot be run
   * @throws ConfigurationException if an option cannot be, a module is missing, or the folder holds
   *     something else
   * @throws IOException if linking or writing fails
   * @throws InterruptedException if this thread is interrupted; nothing is left behind
   */
  public MonitorDirectory to(Path folder) throws IOException, InterruptedException {
    Path target = folder.toAbsolutePath().normalize();
    Folders.refuseForeign(target);
    if (Thread.interrupted()) {
      throw new InterruptedException();
    }
    progress.accept("reading %s".formatted(image));
    check();
    Guest guest = guest();
    InstalledModules installed = new InstalledModules();
    MonitorPlan plan = plan(guest, installed);
    try (WorkFolder work = WorkFolder.beside(target, progress)) {
      Path monitor = Files.createDirectory(work.monitor());
      Path scratch = Files.createDirectory(work.scratch());
      new Jlink(jmods, progress).link(plan, installed.paths(), monitor.resolve("runtime"), scratch);
      byte[] content = guest.content();
      MonitorSettings settings = settings(plan, content);
      Files.write(monitor.resolve(settings.image()), content);
      Files.writeString(monitor.resolve(MonitorSettings.FILE), settings.toText());
      Path launcher = Files.writeString(monitor.resolve(plan.name()), LauncherScript.of(plan));
      Files.setPosixFilePermissions(launcher, PosixFilePermissions.fromString("rwxr-xr-x"));
      Files.setPosixFilePermissions(monitor, PosixFilePermissions.fromString("rwxr-xr-x"));
      if (cached) {
        new AotCaches(monitor, scratch, plan, guest.devices(), progress).record();
      }
      if (tar.isPresent()) {
        TarFile.write(tar.get(), monitor, plan.name());
      }
      Folders.delete(target);
      Files.move(monitor, target);
    } catch (ClosedByInterruptException e) {
      Thread.interrupted(); // As methods do which throw this.
      throw (InterruptedException) new InterruptedException("while writing files").initCause(e);
    }
    MonitorDirectory built = MonitorDirectory.open(target);
    progress.accept(
        "%s: %d files, %.1f MiB"
            .formatted(folder, built.fileCount(), built.byteSize() / 1048576.0));
    return built;
  }

  private MonitorSettings settings(MonitorPlan plan, byte[] content) {
    return new MonitorSettings(
        plan.name(),
        plan.name() + "." + plan.target(),
        MonitorSettings.checksum(content),
        Digest.of(content),
        plan.backends(),
        ring3,
        memoryMib,
        deadline,
        confined,
        deviceOptions,
        arguments);
  }
}
