// SPDX-License-Identifier: ISC

package dev.tealight.house;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.tealight.house.Repository.Module;
import japicmp.cmp.JApiCmpArchive;
import japicmp.cmp.JarArchiveComparator;
import japicmp.cmp.JarArchiveComparatorOptions;
import japicmp.model.JApiClass;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Whoever compiled against the previous release can run with this one. */
class ApiCompatibilityTest {
  private static final String PREVIOUS = System.getProperty("tealight.previous.release", "none");

  @Test
  void nothingPublicIsTakenAway() {
    assumeFalse(PREVIOUS.equals("none"), "there is no release to compare with yet");
    List<Module> released =
        Repository.modules().stream().filter(module -> Files.exists(previous(module))).toList();
    assertThat(released).as("jars of release %s in %s", PREVIOUS, previous()).isNotEmpty();
    assertThat(released.stream().flatMap(ApiCompatibilityTest::takenAway)).isEmpty();
  }

  private static Path previous() {
    return Path.of("target/previous-release");
  }

  private static Path previous(Module module) {
    return previous().resolve(module.artifactId() + ".jar");
  }

  private static Stream<String> takenAway(Module module) {
    JarArchiveComparatorOptions options = new JarArchiveComparatorOptions();
    options.getIgnoreMissingClasses().setIgnoreAllMissingClasses(true);
    JApiCmpArchive before = new JApiCmpArchive(previous(module).toFile(), PREVIOUS);
    JApiCmpArchive now = new JApiCmpArchive(module.jar().toFile(), "this build");
    return new JarArchiveComparator(options)
        .compare(before, now).stream()
            .filter(type -> !type.isBinaryCompatible())
            .filter(type -> isExported(module, type))
            .map(type -> type.getFullyQualifiedName() + " " + type.getCompatibilityChanges());
  }

  private static boolean isExported(Module module, JApiClass type) {
    String name = type.getFullyQualifiedName();
    String itsPackage = name.substring(0, name.lastIndexOf('.'));
    return module.descriptor().exports().stream()
        .anyMatch(exports -> !exports.isQualified() && exports.source().equals(itsPackage));
  }
}
