// SPDX-License-Identifier: ISC

import com.google.googlejavaformat.java.Formatter;
import com.google.googlejavaformat.java.FormatterException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Checks or applies the form of the sources: google-java-format in Java files, the licence line in
 * Java, C and assembly files. Run by the root pom, from the root folder.
 *
 * <p>This is not the Spotless plugin, because that formats inside Maven's JVM, and a JVM older than
 * 25 cannot parse our sources.
 */
final class SourceFormat {
  private static final String LICENCE = "// SPDX-License-Identifier: ISC\n";
  private static final Set<String> EXTENSIONS = Set.of("java", "c", "h", "S");

  public static void main(String[] args) throws IOException {
    boolean write = List.of(args).equals(List.of("write"));
    if (!write && !List.of(args).equals(List.of("check"))) {
      throw new IllegalArgumentException("expected one argument, check or write: " + List.of(args));
    }
    List<Path> different =
        sources(Path.of("")).parallelStream()
            .filter(source -> differs(source, write))
            .sorted()
            .toList();
    if (write) {
      different.forEach(source -> System.out.println("formatted " + source));
    } else if (!different.isEmpty()) {
      different.forEach(source -> System.err.println("not formatted: " + source));
      System.err.println("To format all sources: mvn -N -Pformat validate");
      System.exit(1);
    }
  }

  private static List<Path> sources(Path root) throws IOException {
    List<Path> found = new ArrayList<>();
    Files.walkFileTree(
        root,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
            String name = folder.getFileName().toString();
            boolean ours = !name.equals("target") && (!name.startsWith(".") || name.equals(".ci"));
            return ours ? FileVisitResult.CONTINUE : FileVisitResult.SKIP_SUBTREE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            if (EXTENSIONS.contains(extension(file))) {
              found.add(file);
            }
            return FileVisitResult.CONTINUE;
          }
        });
    return found;
  }

  private static boolean differs(Path source, boolean write) {
    try {
      String text = Files.readString(source);
      String wanted = text.startsWith(LICENCE) ? text : LICENCE + "\n" + text;
      if (extension(source).equals("java")) {
        wanted = formatted(source, wanted);
      }
      if (write && !wanted.equals(text)) {
        Files.writeString(source, wanted);
      }
      return !wanted.equals(text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String formatted(Path source, String text) {
    try {
      return new Formatter().formatSourceAndFixImports(text);
    } catch (FormatterException e) {
      throw new IllegalArgumentException(source + ": " + e.getMessage(), e);
    }
  }

  private static String extension(Path file) {
    String name = file.getFileName().toString();
    return name.substring(name.lastIndexOf('.') + 1);
  }
}
