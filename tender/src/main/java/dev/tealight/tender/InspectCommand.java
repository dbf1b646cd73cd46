// SPDX-License-Identifier: ISC
package dev.tealight.tender;

import dev.tealight.Image;
import dev.tealight.VmmException;
import dev.tealight.multiboot.Multiboot;
import dev.tealight.multiboot.MultibootHeader;
import dev.tealight.multiboot.MultibootImage;
import dev.tealight.solo5.HvtImage;
import dev.tealight.solo5.Manifest;
import dev.tealight.solo5.Solo5Hvt;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tealight inspect}: what an image is, without running it. */
@Command(
    name = "inspect",
    description = {
      "Shows what an image says about itself: ABI, manifest, segments.",
      "Of a monitor that was built, shows what is inside, and compares it with what was built."
    },
    mixinStandardHelpOptions = true)
final class InspectCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Parameters(
      paramLabel = "IMAGE",
      description = "file of a Solo5 unikernel, for any target, or folder of a built monitor")
  private @Nullable Path path;

  @Option(names = "--json", description = "write JSON")
  private boolean json;

  /** What is known of an image; {@code loaded} is for hvt alone, {@code kernel} for virtio. */
  private record Findings(
      Path path,
      HvtImage.Abi abi,
      Manifest manifest,
      @Nullable HvtImage loaded,
      @Nullable MultibootImage kernel) {}

  @Override
  public Integer call() {
    if (spec == null || path == null) {
      return 1;
    }
    PrintWriter out = spec.commandLine().getOut();
    if (Files.isDirectory(path)) {
      return inspectMonitor(path, out, spec.commandLine().getErr());
    }
    try (Image image = Image.open(path)) {
      HvtImage.Abi abi = HvtImage.abiOf(image);
      HvtImage loaded = abi.targetName().equals("hvt") ? Solo5Hvt.open(image) : null;
      MultibootImage kernel = abi.targetName().equals("virtio") ? Multiboot.read(image) : null;
      Findings findings = new Findings(path, abi, HvtImage.manifestOf(image), loaded, kernel);
      if (json) {
        out.println(toJson(findings));
      } else {
        printText(out, spec.commandLine().getColorScheme().ansi(), findings);
      }
      return 0;
    } catch (VmmException e) {
      spec.commandLine().getErr().println("tealight: " + e.getMessage());
      return 1;
    }
  }

  private int inspectMonitor(Path folder, PrintWriter out, PrintWriter err) {
    try {
      MonitorReport report = MonitorReport.of(folder);
      out.print(json ? report.toJson() : report.toText());
      out.flush();
      report.problems().forEach(problem -> err.println("tealight: " + problem));
      return report.problems().isEmpty() ? 0 : 1;
    } catch (VmmException | IOException e) {
      err.println("tealight: " + e.getMessage());
      return 1;
    }
  }

  private static void printText(PrintWriter out, Ansi ansi, Findings found) {
    print(out, ansi, "image", found.path().toString());
    print(
        out,
        ansi,
        "ABI note",
        "%s, version %s"
            .formatted(found.abi().targetName(), Integer.toUnsignedString(found.abi().version())));
    List<Manifest.Entry> entries = found.manifest().entries();
    print(
        out,
        ansi,
        "manifest note",
        "version %d, %s"
            .formatted(Manifest.VERSION, entries.isEmpty() ? "no devices" : "devices:"));
    for (int i = 0; i < entries.size(); i++) {
      Manifest.Entry entry = entries.get(i);
      out.println("  %2d  %-12s %s".formatted(i + 1, entry.typeName(), entry.name()));
    }
    MultibootImage kernel = found.kernel();
    if (kernel != null) {
      printKernel(out, ansi, kernel);
      return;
    }
    HvtImage loaded = found.loaded();
    if (loaded == null) {
      out.println("Only images for hvt and virtio can be run.");
      return;
    }
    print(out, ansi, "architecture", loaded.architecture().toString());
    print(out, ansi, "entry", "0x%x".formatted(loaded.entry()));
    print(out, ansi, "segments", "address, bytes in the file, bytes in memory, protection");
    for (HvtImage.Segment segment : loaded.segments()) {
      out.println(
          "  0x%08x %10d %10d %s"
              .formatted(
                  segment.gpa(),
                  segment.fileByteSize(),
                  segment.memoryByteSize(),
                  segment.protection()));
    }
  }

  private static void printKernel(PrintWriter out, Ansi ansi, MultibootImage kernel) {
    MultibootHeader header = kernel.header();
    print(
        out,
        ansi,
        "multiboot",
        "header at offset 0x%x, flags 0x%08x".formatted(header.fileOffset(), header.flags()));
    print(out, ansi, "architecture", kernel.architecture().toString());
    print(out, ansi, "entry", "0x%x, 32-bit".formatted(kernel.entry()));
    print(out, ansi, "loaded", "address, bytes in the file, bytes in memory");
    for (MultibootImage.Segment segment : kernel.segments()) {
      out.println(
          "  0x%08x %10d %10d"
              .formatted(segment.gpa(), segment.fileByteSize(), segment.memoryByteSize()));
    }
  }

  private static void print(PrintWriter out, Ansi ansi, String label, String value) {
    out.println(
        ansi.string("@|bold %s|@".formatted(label)) + " ".repeat(15 - label.length()) + value);
  }

  private static String toJson(Findings found) {
    List<String> devices = new ArrayList<>();
    for (Manifest.Entry entry : found.manifest().entries()) {
      devices.add(
          "{\"handle\": %d, \"name\": %s, \"type\": %s}"
              .formatted(
                  devices.size() + 1, Json.string(entry.name()), Json.string(entry.typeName())));
    }
    StringBuilder text = new StringBuilder();
    text.append("{\n  \"image\": ").append(Json.string(found.path().toString()));
    text.append(
        ",\n  \"abi\": {\"target\": %s, \"version\": %s}"
            .formatted(
                Json.string(found.abi().targetName()),
                Integer.toUnsignedString(found.abi().version())));
    text.append(
        ",\n  \"manifest\": {\"version\": %d, \"devices\": %s}"
            .formatted(Manifest.VERSION, array(devices)));
    HvtImage loaded = found.loaded();
    if (loaded != null) {
      text.append(",\n  \"architecture\": ")
          .append(Json.string(loaded.architecture().toString()))
          .append(",\n  \"entry\": ")
          .append(loaded.entry())
          .append(",\n  \"segments\": ")
          .append(array(segments(loaded)));
    }
    MultibootImage kernel = found.kernel();
    if (kernel != null) {
      text.append(",\n  \"architecture\": ")
          .append(Json.string(kernel.architecture().toString()))
          .append(",\n  \"multiboot\": {\"offset\": ")
          .append(kernel.header().fileOffset())
          .append(", \"flags\": ")
          .append(Integer.toUnsignedString(kernel.header().flags()))
          .append("},\n  \"entry\": ")
          .append(kernel.entry())
          .append(",\n  \"segments\": ")
          .append(array(loadedParts(kernel)));
    }
    return text.append("\n}").toString();
  }

  private static List<String> segments(HvtImage image) {
    List<String> segments = new ArrayList<>();
    for (HvtImage.Segment segment : image.segments()) {
      segments.add(
          "{\"gpa\": %d, \"fileByteSize\": %d, \"memoryByteSize\": %d, \"protection\": %s}"
              .formatted(
                  segment.gpa(),
                  segment.fileByteSize(),
                  segment.memoryByteSize(),
                  Json.string(segment.protection().toString())));
    }
    return segments;
  }

  private static List<String> loadedParts(MultibootImage image) {
    return image.segments().stream()
        .map(
            segment ->
                "{\"gpa\": %d, \"fileByteSize\": %d, \"memoryByteSize\": %d}"
                    .formatted(segment.gpa(), segment.fileByteSize(), segment.memoryByteSize()))
        .toList();
  }

  private static String array(List<String> elements) {
    return elements.isEmpty() ? "[]" : "[\n    %s\n  ]".formatted(String.join(",\n    ", elements));
  }
}
