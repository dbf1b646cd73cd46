// SPDX-License-Identifier: ISC

package dev.tealight.house;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.house.Repository.Module;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What each module offers and needs changes on purpose only, and is the same on both paths. */
class ModuleDescriptorTest {
  static List<Module> modules() {
    return Repository.modules();
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
}
