// SPDX-License-Identifier: ISC
package dev.tealight.maven;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import javax.inject.Inject;
import org.apache.maven.execution.MavenSession;
import org.apache.maven.plugin.AbstractMojo;
import org.apache.maven.plugin.MojoExecutionException;
import org.apache.maven.plugin.MojoFailureException;
import org.apache.maven.plugin.descriptor.PluginDescriptor;
import org.apache.maven.plugins.annotations.LifecyclePhase;
import org.apache.maven.plugins.annotations.Mojo;
import org.apache.maven.plugins.annotations.Parameter;
import org.apache.maven.toolchain.Toolchain;
import org.apache.maven.toolchain.ToolchainManager;
import org.eclipse.aether.RepositorySystem;
import org.jspecify.annotations.Nullable;

/**
 * Builds a monitor for one unikernel, as {@code tealight build} does: a folder with a launcher, the
 * image and a Java runtime of the modules that this guest needs. It is built by a JDK 25 or newer
 * in a process of its own; Maven may run on an older one.
 */
@Mojo(name = "build", defaultPhase = LifecyclePhase.PACKAGE, threadSafe = true)
public final class BuildMojo extends AbstractMojo {
  private static final String PREFIX = "tealight: ";

  private final RepositorySystem repositories;
  private final ToolchainManager toolchains;

  /** File of the unikernel. */
  @Parameter(property = "tealight.image", required = true)
  private @Nullable File image;

  /** Folder to be created; one that holds a built monitor is replaced. */
  @Parameter(
      property = "tealight.outputDirectory",
      defaultValue = "${project.build.directory}/monitor",
      required = true)
  private @Nullable File outputDirectory;

  /** Name of the launcher; that of the image unless given. */
  @Parameter(property = "tealight.name")
  private @Nullable String name;

  /** Backends to be inside; kvm unless given, bhyve on FreeBSD. */
  @Parameter(property = "tealight.backends")
  private List<String> backends = List.of();

  /**
   * Options of {@code tealight run} that become the monitor's defaults, for instance {@code
   * --mem=64} or {@code --net:service=tap100}.
   */
  @Parameter private List<String> options = List.of();

  /** Default arguments of the unikernel. */
  @Parameter private List<String> arguments = List.of();

  /** Whether the start is recorded in caches, for which the unikernel is run. */
  @Parameter(property = "tealight.cached", defaultValue = "true")
  private boolean cached;

  /** File to write the monitor to as a tar archive too. */
  @Parameter(property = "tealight.tar")
  private @Nullable File tar;

  /** The {@code jmods} of a JDK of the same version, for instance for another platform. */
  @Parameter(property = "tealight.jmods")
  private @Nullable File jmods;

  /**
   * Home of the JDK that builds. Unless given, the first of version 25 or newer among: the build's
   * toolchain, {@code toolchains.xml}, Maven's own JDK, {@code JAVA25_HOME}.
   */
  @Parameter(property = "tealight.jdk")
  private @Nullable File jdk;

  /** Whether nothing is to be built. */
  @Parameter(property = "tealight.skip", defaultValue = "false")
  private boolean skip;

  @Parameter(defaultValue = "${session}", readonly = true, required = true)
  private @Nullable MavenSession session;

  @Parameter(defaultValue = "${plugin}", readonly = true, required = true)
  private @Nullable PluginDescriptor plugin;

  /**
   * Creates one, for Maven.
   *
   * @param repositories where modules come from
   * @param toolchains which a JDK may be among
   */
  @Inject
  public BuildMojo(RepositorySystem repositories, ToolchainManager toolchains) {
    this.repositories = repositories;
    this.toolchains = toolchains;
  }

  @Override
  public void execute() throws MojoExecutionException, MojoFailureException {
    if (skip) {
      getLog().info("nothing is built: tealight.skip is set");
      return;
    }
    if (session == null || plugin == null) {
      throw new MojoExecutionException("this is to be called by Maven");
    }
    Path home = Jdk.choose(candidates(session));
    getLog().debug("building with the JDK in " + home);
    List<String> command = new ArrayList<>();
    command.add(home.resolve("bin").resolve("java").toString());
    command.add("-p");
    command.add(
        new TenderModules(repositories, session)
            .resolve(plugin).stream()
                .map(Path::toString)
                .collect(Collectors.joining(File.pathSeparator)));
    command.add("--enable-native-access=dev.tealight.ffi.posix");
    command.add("-m");
    command.add("dev.tealight.tender/dev.tealight.tender.Main");
    command.addAll(words());
    run(command);
  }

  private List<Jdk> candidates(MavenSession session) {
    if (jdk != null) {
      return List.of(new Jdk("parameter jdk", Optional.of(jdk.toPath())));
    }
    Toolchain chosen = toolchains.getToolchainFromBuildContext("jdk", session);
    List<Toolchain> fitting = toolchains.getToolchains(session, "jdk", Map.of("version", "[25,)"));
    return List.of(
        new Jdk("toolchain of this build", Optional.ofNullable(chosen).flatMap(BuildMojo::home)),
        new Jdk("toolchains.xml", fitting.stream().findFirst().flatMap(BuildMojo::home)),
        new Jdk("Maven's own", Optional.of(Path.of(System.getProperty("java.home")))),
        new Jdk("JAVA25_HOME", Optional.ofNullable(System.getenv("JAVA25_HOME")).map(Path::of)));
  }

  private static Optional<Path> home(Toolchain toolchain) {
    return Optional.ofNullable(toolchain.findTool("java"))
        .map(java -> Path.of(java).resolveSibling("..").normalize());
  }

  /** The command line of {@code tealight}, so that both understand the same. */
  private List<String> words() {
    List<String> words = new ArrayList<>(List.of("build", "--output=" + outputDirectory));
    if (name != null) {
      words.add("--name=" + name);
    }
    if (!backends.isEmpty()) {
      words.add("--backend=" + String.join(",", backends));
    }
    if (tar != null) {
      words.add("--tar=" + tar);
    }
    if (jmods != null) {
      words.add("--jmods=" + jmods);
    }
    if (!cached) {
      words.add("--no-cache");
    }
    words.add("--");
    words.addAll(options);
    words.add("--");
    words.add(String.valueOf(image));
    words.addAll(arguments);
    return words;
  }

  private void run(List<String> command) throws MojoExecutionException, MojoFailureException {
    getLog().debug(String.join(" ", command));
    String last = "";
    int status;
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
        process.getOutputStream().close();
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
          last = line.startsWith(PREFIX) ? line.substring(PREFIX.length()) : line;
          getLog().info(last);
        }
        status = process.waitFor();
      } finally {
        process.destroy();
      }
    } catch (IOException e) {
      throw new MojoExecutionException("the process that builds failed: " + e.getMessage(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new MojoExecutionException("interrupted while the monitor was built", e);
    }
    if (status != 0) {
      throw new MojoFailureException("no monitor was built: " + last);
    }
  }
}
