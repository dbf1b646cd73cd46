// SPDX-License-Identifier: ISC

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/**
 * Sums up what the test runs of all modules left behind: failures, reasons of skips, counts. Ends
 * with status 1 if anything failed or nothing ran. Needs Java 17.
 */
final class TestReport {
  private int passed;
  private final Map<String, List<String>> skipped = new TreeMap<>();
  private final List<String> failed = new ArrayList<>();

  public static void main(String[] args) throws Exception {
    TestReport report = new TestReport();
    for (Path file : files()) {
      report.read(file);
    }
    report.print();
    System.exit(report.failed.isEmpty() && report.passed > 0 ? 0 : 1);
  }

  private static List<Path> files() throws IOException {
    try (var all = Files.walk(Path.of(""))) {
      return all.filter(
              file ->
                  file.toString()
                      .matches(".*target/(surefire|failsafe)-reports[^/]*/TEST-.*[.]xml"))
          .toList();
    }
  }

  private void read(Path file) throws Exception {
    Document document =
        DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(file.toFile());
    String module = file.toString().replaceFirst("/target/.*", "");
    String path =
        file.toString().contains("-hardware-lane/")
            ? "hardware lane"
            : file.toString().contains("-class-path/") ? "class path" : "module path";
    NodeList cases = document.getElementsByTagName("testcase");
    for (int i = 0; i < cases.getLength(); i++) {
      Element test = (Element) cases.item(i);
      String name =
          "%s (%s): %s.%s"
              .formatted(
                  module,
                  path,
                  test.getAttribute("classname").replaceFirst(".*[.]", ""),
                  test.getAttribute("name"));
      NodeList skips = test.getElementsByTagName("skipped");
      if (test.getElementsByTagName("failure").getLength() > 0
          || test.getElementsByTagName("error").getLength() > 0) {
        failed.add(name);
      } else if (skips.getLength() > 0) {
        skipped
            .computeIfAbsent(reason((Element) skips.item(0)), reason -> new ArrayList<>())
            .add(name);
      } else {
        passed++;
      }
    }
  }

  /** A disabled test has its reason as an attribute, a failed assumption in its stack trace. */
  private static String reason(Element skip) {
    String reason = skip.getAttribute("message");
    if (reason.isEmpty()) {
      reason = skip.getTextContent().lines().findFirst().orElse("");
    }
    return reason.replaceFirst("^[\\w.]+Exception: ", "").replaceFirst("^Assumption failed: ", "");
  }

  /** The cases of a parameterized test become one line with their number. */
  private static Map<String, String> byTest(List<String> names) {
    Map<String, Integer> counts = new TreeMap<>();
    names.forEach(name -> counts.merge(name.replaceFirst("\\[\\d+\\]$", ""), 1, Integer::sum));
    Map<String, String> lines = new TreeMap<>();
    counts.forEach((test, count) -> lines.put(test, count == 1 ? "" : ": " + count + " cases"));
    return lines;
  }

  private void print() {
    skipped.forEach(
        (reason, names) -> {
          System.out.println("skipped, " + reason + ":");
          byTest(names).forEach((test, cases) -> System.out.println("  " + test + cases));
        });
    failed.forEach(name -> System.out.println("failed: " + name));
    int skips = skipped.values().stream().mapToInt(List::size).sum();
    System.out.printf("%d passed, %d failed, %d skipped%n", passed, failed.size(), skips);
  }
}
