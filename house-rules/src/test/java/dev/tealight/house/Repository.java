// SPDX-License-Identifier: ISC

package dev.tealight.house;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.module.ModuleDescriptor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** The repository these rules are about. */
final class Repository {
  static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

  private static final Pattern MODULE = Pattern.compile("<module>(.+)</module>");
  private static final Pattern ARTIFACT = Pattern.compile("<artifactId>(tealight-.+)</artifactId>");

  private Repository() {}

  /** A module with main code; {@code folder} is relative to the root, with slashes. */
  record Module(String folder) {
    Path target() {
      return ROOT.resolve(folder, "target");
    }

    Path classes() {
      return target().resolve("classes");
    }

    String artifactId() {
      // The first one is the parent's.
      return match(ARTIFACT, ROOT.resolve(folder, "pom.xml")).get(1);
    }

    Path jar() {
      try (var jars = Files.newDirectoryStream(target(), artifactId() + "-*.jar")) {
        for (Path jar : jars) {
          if (!jar.toString().matches(".+-(sources|javadoc)[.]jar")) {
            return jar;
          }
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      throw new AssertionError("no jar in " + target() + "; run mvn verify from the root");
    }

    ModuleDescriptor descriptor() {
      try (var in = Files.newInputStream(classes().resolve("module-info.class"))) {
        return ModuleDescriptor.read(in);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public String toString() {
      return folder;
    }
  }

  /** Returns every module of the root pom that is one of Java. */
  static List<Module> modules() {
    return modulesWith("src/main/java/module-info.java");
  }

  /** Returns every module of the root pom that makes a jar: those of Java, and the plugin. */
  static List<Module> jars() {
    return modulesWith("src/main/java");
  }

  private static List<Module> modulesWith(String path) {
    return match(MODULE, ROOT.resolve("pom.xml")).stream()
        .filter(folder -> Files.exists(ROOT.resolve(folder, path)))
        .map(Module::new)
        .toList();
  }

  /** Returns the Tealight artifacts that a pom mentions. */
  static List<String> artifactsIn(String pom) {
    return match(ARTIFACT, ROOT.resolve(pom));
  }

  static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Returns what a pom says a property is. */
  static String property(String name, Path pom) {
    String tag = Pattern.quote(name);
    return match(Pattern.compile("<" + tag + ">(.+)</" + tag + ">"), pom).getFirst();
  }

  private static List<String> match(Pattern pattern, Path file) {
    return pattern
        .matcher(read(file))
        .results()
        .map((MatchResult found) -> found.group(1))
        .toList();
  }
}
