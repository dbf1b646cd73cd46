// SPDX-License-Identifier: ISC

package dev.tealight.house;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.house.Repository.Module;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
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

  static List<Module> jars() {
    return Repository.jars();
  }

  @Test
  void bomListsEveryPublishedModule() {
    assertThat(Repository.artifactsIn("bom/pom.xml"))
        .filteredOn(artifact -> !artifact.equals("tealight-bom"))
        .containsExactlyInAnyOrderElementsOf(publishedModules());
  }

  @Test
  void parentManagesEveryPublishedModule() {
    assertThat(Repository.artifactsIn("pom.xml"))
        .filteredOn(artifact -> !artifact.equals("tealight-parent"))
        .containsExactlyInAnyOrderElementsOf(publishedModules());
  }

  @ParameterizedTest
  @MethodSource("jars")
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

  @ParameterizedTest
  @MethodSource("publishedJars")
  void sourcesAndJavadocComeWithEveryModuleAndTheLicenceWithAllButJavadoc(Module module)
      throws IOException {
    String licence = Files.readString(Repository.ROOT.resolve("LICENSE"));
    assertThat(read(module.jar(), "META-INF/LICENSE")).isEqualTo(licence);
    assertThat(read(beside(module, "sources"), "META-INF/LICENSE")).isEqualTo(licence);
    assertThat(beside(module, "javadoc")).isNotEmptyFile();
  }

  private static Path beside(Module module, String classifier) {
    String jar = module.jar().getFileName().toString();
    return module.jar().resolveSibling(jar.replaceFirst("[.]jar$", "-" + classifier + ".jar"));
  }

  private static String read(Path path, String entry) throws IOException {
    try (JarFile jar = new JarFile(path.toFile());
        InputStream in = jar.getInputStream(jar.getEntry(entry))) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  static List<Module> publishedJars() {
    return published(Repository.jars());
  }

  private static List<Module> published(List<Module> modules) {
    return modules.stream().filter(module -> !UNPUBLISHED.contains(module.folder())).toList();
  }

  private static List<String> publishedModules() {
    return published(Repository.modules()).stream().map(Module::artifactId).toList();
  }
}
