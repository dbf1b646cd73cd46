// SPDX-License-Identifier: ISC
package dev.tealight.tender;

import dev.tealight.build.MonitorDirectory;
import dev.tealight.build.MonitorDirectory.Cache;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * What {@code inspect} says of a built monitor.
 *
 * @param folder as it was given
 * @param monitor what is in it
 * @param digest of all but the caches
 * @param caches of the start
 * @param problems what is not as it was built, one sentence each
 */
record MonitorReport(
    Path folder,
    MonitorDirectory monitor,
    String digest,
    List<Cache> caches,
    List<String> problems) {

  static MonitorReport of(Path folder) throws IOException {
    MonitorDirectory monitor = MonitorDirectory.open(folder);
    List<Cache> caches = monitor.caches();
    List<String> problems = new ArrayList<>();
    if (!monitor.isImageIntact()) {
      problems.add("the image was changed after the monitor was built: build the monitor again");
    }
    for (Cache cache : caches) {
      if (!cache.intact()) {
        problems.add(
            "the cache for %s is not the one that was recorded: build the monitor again"
                .formatted(cache.backend()));
      }
    }
    return new MonitorReport(folder, monitor, monitor.digest(), caches, problems);
  }

  String toText() {
    StringBuilder text = new StringBuilder();
    line(text, "monitor", "%s: %s".formatted(monitor.name(), folder));
    line(text, "size", "%d bytes in %d files".formatted(monitor.byteSize(), monitor.fileCount()));
    line(text, "digest", "SHA-256 " + digest + " of all but the caches");
    line(text, "image", "SHA-256 " + monitor.imageDigest());
    line(text, "defaults", String.join(" ", monitor.defaults()));
    line(text, "backends", String.join(", ", monitor.backends()));
    for (Cache cache : caches) {
      line(
          text,
          "cache",
          "%s, %d bytes, SHA-256 %s".formatted(cache.backend(), cache.byteSize(), cache.digest()));
    }
    line(text, "modules", String.join(", ", monitor.modules()));
    return text.toString();
  }

  private static void line(StringBuilder text, String label, String value) {
    text.append("%-10s %s\n".formatted(label, value));
  }

  String toJson() {
    return """
    {
      "monitor": %s,
      "byteSize": %d,
      "fileCount": %d,
      "sha256": %s,
      "imageSha256": %s,
      "defaults": %s,
      "backends": %s,
      "caches": [%s],
      "modules": %s
    }
    """
        .formatted(
            Json.string(monitor.name()),
            monitor.byteSize(),
            monitor.fileCount(),
            Json.string(digest),
            Json.string(monitor.imageDigest()),
            array(monitor.defaults()),
            array(monitor.backends()),
            caches.stream()
                .map(
                    cache ->
                        "{\"backend\": %s, \"byteSize\": %d, \"sha256\": %s}"
                            .formatted(
                                Json.string(cache.backend()),
                                cache.byteSize(),
                                Json.string(cache.digest())))
                .collect(Collectors.joining(", ")),
            array(monitor.modules()));
  }

  private static String array(List<String> values) {
    return values.stream().map(Json::string).collect(Collectors.joining(", ", "[", "]"));
  }
}
