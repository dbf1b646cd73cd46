// SPDX-License-Identifier: ISC
package dev.tealight.maven;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.testkit.Guests;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The goal in a real build of a tiny project, by the Maven that runs this test and on its JDK. That
 * Maven has a local repository of its own with what was built here; all else comes from the local
 * repository of the outer build, and nothing from the network.
 */
@Timeout(300)
class BuildMojoIT {
  private static final Path REPOSITORY = Path.of(property("tealight.maven.repository"));
  private static final String VERSION = property("tealight.plugin.version");

  @TempDir Path project;

  /** How a process ended. */
  private record Result(int status, String output) {}

  private static String property(String name) {
    String value = System.getProperty(name, "");
    assertThat(value).as(name).isNotEmpty();
    return value;
  }

  @BeforeEach
  void prepare() throws IOException {
    Path place = REPOSITORY.resolve("dev/tealight/tealight-maven-plugin").resolve(VERSION);
    Files.createDirectories(place);
    copy(Path.of(property("tealight.plugin.jar")), place, ".jar");
    copy(Path.of("pom.xml"), place, ".pom");
    Guests.copyTo(project, "status");
    Files.writeString(
        project.resolve("settings.xml"),
        """
        <settings>
          <mirrors>
            <mirror><id>outer</id><mirrorOf>*</mirrorOf><url>%s</url></mirror>
          </mirrors>
        </settings>
        """
            .formatted(Path.of(property("tealight.maven.outer.repository")).toUri()));
    Files.writeString(
        project.resolve("toolchains.xml"),
        """
        <toolchains>
          <toolchain>
            <type>jdk</type>
            <provides><version>%s</version></provides>
            <configuration><jdkHome>%s</jdkHome></configuration>
          </toolchain>
        </toolchains>
        """
            .formatted(Runtime.version().feature(), System.getProperty("java.home")));
  }

  private static void copy(Path file, Path place, String ending) throws IOException {
    Files.copy(
        file,
        place.resolve("tealight-maven-plugin-" + VERSION + ending),
        StandardCopyOption.REPLACE_EXISTING);
  }

  private void writePom(String configuration) throws IOException {
    Files.writeString(
        project.resolve("pom.xml"),
        """
        <project>
          <modelVersion>4.0.0</modelVersion>
          <groupId>example</groupId>
          <artifactId>status-monitor</artifactId>
          <version>1</version>
          <packaging>pom</packaging>
          <build>
            <plugins>
              <plugin>
                <groupId>dev.tealight</groupId>
                <artifactId>tealight-maven-plugin</artifactId>
                <version>%s</version>
                <executions><execution><goals><goal>build</goal></goals></execution></executions>
                <configuration>
                  <image>status.hvt</image>
                  %s
                </configuration>
              </plugin>
            </plugins>
          </build>
        </project>
        """
            .formatted(VERSION, configuration));
  }

  private Result maven(String... options) throws Exception {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(property("tealight.maven"), "bin", "mvn").toString(),
                "-B",
                "-s",
                "settings.xml",
                "-Dmaven.repo.local=" + REPOSITORY,
                "package"));
    command.addAll(List.of(options));
    ProcessBuilder builder = new ProcessBuilder(command).directory(project.toFile());
    builder.environment().put("JAVA_HOME", property("tealight.maven.jdk"));
    builder.environment().remove("JAVA25_HOME");
    builder.environment().remove("MAVEN_OPTS");
    builder.environment().remove("MAVEN_ARGS");
    return finish(builder);
  }

  private static Result finish(ProcessBuilder builder) throws Exception {
    Process process = builder.redirectErrorStream(true).start();
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).as(output).isTrue();
    return new Result(process.exitValue(), output);
  }

  @Test
  void monitorBuiltByTheGoalRunsItsGuest() throws Exception {
    writePom(
        """
        <name>answer</name>
        <backends>softcpu</backends>
        <options><option>--mem=16</option></options>
        <arguments><argument>42</argument></arguments>
        <cached>false</cached>
        """);
    Result built = maven("-t", "toolchains.xml");
    assertThat(built.status()).as(built.output()).isZero();
    assertThat(built.output()).contains("linking 5 modules", "target/monitor: ");
    Result run = finish(new ProcessBuilder(project + "/target/monitor/answer"));
    assertThat(run.status()).as(run.output()).isEqualTo(42);
    assertThat(Files.readString(project.resolve("target/monitor/monitor.settings")))
        .contains("memory.mib=16\n", "argument=42\n", "backend=softcpu\n");
  }

  @Test
  void buildFailsWithWhatTheBuilderSays() throws Exception {
    writePom("<backends>xen</backends>");
    Result built = maven("-Dtealight.jdk=" + System.getProperty("java.home"));
    assertThat(built.status()).isEqualTo(1);
    assertThat(built.output())
        .contains("no monitor was built: backend xen is not installed, there is: ");
  }

  @Test
  void jdkThatWillNotDoIsNamed() throws Exception {
    writePom("");
    Result built = maven("-Dtealight.jdk=" + project);
    assertThat(built.status()).isEqualTo(1);
    assertThat(built.output())
        .contains("no JDK 25 or newer was found to build monitors with (parameter jdk: " + project);
  }
}
