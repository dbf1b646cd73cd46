// SPDX-License-Identifier: ISC

package dev.tealight.house;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What README and docs show is code that is compiled and tested: a Java block under {@code <!--
 * snippet: NAME -->} is the text between {@code // snippet: NAME} and {@code // end} in a source
 * file, which tests run. With {@code -Ddocs.update=true} the blocks are rewritten instead.
 */
class DocumentationTest {
  private static final Pattern BLOCK =
      Pattern.compile("(?:<!-- snippet: ([\\w-]+) -->\\n)?```java\\n(.*?)```", Pattern.DOTALL);
  private static final Pattern REGION =
      Pattern.compile("\\n( *)// snippet: ([\\w-]+)\\n(.*?)\\s*\\n *// end\\n", Pattern.DOTALL);
  private static final Pattern LINK = Pattern.compile("\\]\\(([^)\\s]+)[^)]*\\)");

  static List<Path> pages() throws IOException {
    List<Path> pages = new ArrayList<>(filesBelow(Repository.ROOT.resolve("docs"), ".md"));
    pages.addAll(filesBelow(Repository.ROOT.resolve("testkit/guests"), ".md"));
    pages.add(Repository.ROOT.resolve("README.md"));
    pages.add(Repository.ROOT.resolve("CHANGELOG.md"));
    return pages;
  }

  @ParameterizedTest
  @MethodSource("pages")
  void everyJavaBlockIsARegionOfCompiledSource(Path page) throws IOException {
    Map<String, String> regions = regions();
    String text = Files.readString(page);
    if (Boolean.getBoolean("docs.update")) {
      Files.writeString(page, BLOCK.matcher(text).replaceAll(match -> updated(match, regions)));
      return;
    }
    for (MatchResult block : BLOCK.matcher(text).results().toList()) {
      assertThat(block.group(1)).as("name of the snippet %s", block.group(2)).isNotNull();
      assertThat(regions).as("regions of sources").containsKey(block.group(1));
      assertThat(block.group(2))
          .as("snippet %s", block.group(1))
          .isEqualTo(regions.get(block.group(1)));
    }
  }

  private static String updated(MatchResult block, Map<String, String> regions) {
    String name = block.group(1);
    String code = name == null ? block.group(2) : regions.getOrDefault(name, block.group(2));
    String heading = name == null ? "" : "<!-- snippet: %s -->\n".formatted(name);
    return Matcher.quoteReplacement(heading + "```java\n" + code + "```");
  }

  /** Outside of code blocks, where brackets are code. */
  @ParameterizedTest
  @MethodSource("pages")
  void everyRelativeLinkLeadsSomewhere(Path page) throws IOException {
    for (MatchResult link : LINK.matcher(withoutCode(Files.readString(page))).results().toList()) {
      String[] target = link.group(1).split("#", 2);
      if (!target[0].contains(":")) {
        Path file = target[0].isEmpty() ? page : page.resolveSibling(target[0]);
        assertThat(file).as("link to %s", link.group(1)).exists();
        if (target.length == 2) {
          assertThat(anchors(file)).as("anchors for %s", link.group(1)).contains(target[1]);
        }
      }
    }
  }

  private static String withoutCode(String text) {
    return text.replaceAll("(?s)```.*?```", "").replaceAll("`[^`\\n]*`", "`");
  }

  /** As the usual renderers of Markdown make them of headings. */
  private static List<String> anchors(Path page) throws IOException {
    return Files.readAllLines(page).stream()
        .filter(line -> line.startsWith("#"))
        .map(line -> line.replaceFirst("#+ *", "").toLowerCase(Locale.ROOT))
        .map(heading -> heading.replaceAll("[^a-z0-9 _-]", "").replace(' ', '-'))
        .toList();
  }

  @Test
  void everyRegionIsShownSomewhere() throws IOException {
    StringBuilder all = new StringBuilder();
    for (Path page : pages()) {
      all.append(Files.readString(page));
    }
    assertThat(regions().keySet())
        .allSatisfy(name -> assertThat(all).contains("<!-- snippet: " + name + " -->"));
  }

  private static Map<String, String> regions() throws IOException {
    Map<String, String> regions = new HashMap<>();
    for (Repository.Module module : Repository.modules()) {
      for (Path source : filesBelow(Repository.ROOT.resolve(module.folder(), "src"), ".java")) {
        for (MatchResult region : REGION.matcher(Files.readString(source)).results().toList()) {
          String code = region.group(3).replaceAll("(?m)^" + region.group(1), "") + "\n";
          assertThat(regions.put(region.group(2), code))
              .as("second snippet %s", region.group(2))
              .isNull();
        }
      }
    }
    return regions;
  }

  private static List<Path> filesBelow(Path folder, String ending) throws IOException {
    if (!Files.exists(folder)) {
      return List.of();
    }
    try (Stream<Path> files = Files.walk(folder)) {
      return files.filter(file -> file.toString().endsWith(ending)).sorted().toList();
    }
  }
}
