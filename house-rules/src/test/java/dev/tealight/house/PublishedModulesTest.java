// SPDX-License-Identifier: ISC

package dev.tealight.house;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.house.Repository.Module;
import java.io.IOException;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Set;
import java.util.jar.JarFile;
import java.util.zip.ZipEntry;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What users get. */
class PublishedModulesTest {
  private static final Set<String> UNPUBLISHED = Set.of("bench", "examples");

  static List<Module> modules() {
    return Repository.modules();
  }

  @Test
  void bomListsEveryPublishedModule() {
    assertThat(Repository.artifactsIn("bom/pom.xml"))
        .filteredOn(artifact -> !artifact.equals("tealight-bom"))
        .containsExactlyInAnyOrderElementsOf(published());
  }

  @Test
  void parentManagesEveryPublishedModule() {
    assertThat(Repository.artifactsIn("pom.xml"))
        .filteredOn(artifact -> !artifact.equals("tealight-parent"))
        .containsExactlyInAnyOrderElementsOf(published());
  }

  @ParameterizedTest
  @MethodSource("modules")
  void jarSaysNothingAboutWhenAndByWhatItWasBuilt(Module module) throws IOException {
    OffsetDateTime timestamp =
        OffsetDateTime.parse(
            Repository.property(
                "project.build.outputTimestamp", Repository.ROOT.resolve("pom.xml")));
    try (JarFile jar = new JarFile(module.jar().toFile())) {
      assertThat(jar.stream())
          .extracting(ZipEntry::getTimeLocal)
          .containsOnly(timestamp.withOffsetSameInstant(ZoneOffset.UTC).toLocalDateTime());
      assertThat(jar.getManifest().getMainAttributes().keySet())
          .extracting(Object::toString)
          .isSubsetOf(Set.of("Manifest-Version", "Created-By", "Main-Class"));
    }
  }

  private static List<String> published() {
    return Repository.modules().stream()
        .filter(module -> !UNPUBLISHED.contains(module.folder()))
        .map(Module::artifactId)
        .toList();
  }
}
