// SPDX-License-Identifier: ISC

package dev.tealight.house;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.house.Repository.Module;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.spi.ToolProvider;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What each module offers and needs changes on purpose only, and is the same on both paths. */
class ModuleDescriptorTest {
  private static final Path RECORDED =
      Repository.ROOT.resolve("house-rules/src/test/resources/modules");

  static List<Module> modules() {
    return Repository.modules();
  }

  @ParameterizedTest
  @MethodSource("modules")
  void descriptorIsTheRecordedOne(Module module) throws IOException {
    String name = module.descriptor().name() + ".txt";
    Path recorded = RECORDED.resolve(name);
    Path now = Files.createDirectories(Path.of("target/modules")).resolve(name);
    String description = describe(module.jar());
    Files.writeString(now, description);
    assertThat(description)
        .as(
            "if the change is meant: cp house-rules/%s %s",
            now, Repository.ROOT.relativize(recorded))
        .isEqualTo(Files.exists(recorded) ? Repository.read(recorded) : "");
  }

  @ParameterizedTest
  @MethodSource("modules")
  void providersAreFoundOnTheClassPathToo(Module module) throws IOException {
    Map<String, String> provided = new TreeMap<>();
    for (var provides : module.descriptor().provides()) {
      provided.put(provides.service(), String.join("\n", provides.providers()));
    }
    Map<String, String> services = new TreeMap<>();
    Path folder = module.classes().resolve("META-INF/services");
    if (Files.exists(folder)) {
      try (var files = Files.newDirectoryStream(folder)) {
        for (Path file : files) {
          services.put(file.getFileName().toString(), Repository.read(file).strip());
        }
      }
    }
    assertThat(services)
        .as("META-INF/services in %s says what its module-info provides", module)
        .isEqualTo(provided);
  }

  private static String describe(Path jar) {
    StringWriter out = new StringWriter();
    PrintWriter writer = new PrintWriter(out);
    ToolProvider tool = ToolProvider.findFirst("jar").orElseThrow();
    assertThat(tool.run(writer, writer, "--describe-module", "--file", jar.toString())).isZero();
    // Version, place and what is inside do not belong to the record.
    return out.toString().replaceFirst("@.+", "").replaceAll("contains .+\n", "").strip() + "\n";
  }
}
