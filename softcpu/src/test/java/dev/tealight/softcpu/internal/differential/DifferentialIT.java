// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.differential;

import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tealight.softcpu.internal.differential.Templates.Template;
import dev.tealight.softcpu.internal.run.TranslationPolicy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Compares with the processor of this machine: random instruction sequences with random registers
 * and data, on user privilege. A failure names the seed and the code.
 */
class DifferentialIT {
  private static final boolean NIGHTLY = "nightly".equals(System.getProperty("tealight.effort"));
  private static final int CASES = NIGHTLY ? 400_000 : 6_000;
  private static final long FIRST_SEED = Long.getLong("tealight.seed", 1);

  private static NativeRunner processor;

  @BeforeAll
  static void buildRunner(@TempDir Path folder) throws IOException, InterruptedException {
    Optional<String> missing = NativeRunner.missing();
    missing.ifPresent(reason -> System.out.println("skipped: " + reason));
    assumeTrue(missing.isEmpty());
    processor = NativeRunner.build(folder);
  }

  @AfterAll
  static void stopRunner() throws IOException {
    if (processor != null) {
      processor.close();
    }
  }

  private static void compare(List<Template> templates) throws IOException {
    CaseGenerator generator = new CaseGenerator(templates);
    SoftRunner software = new SoftRunner(TranslationPolicy.NEVER);
    Outcome expected = new Outcome();
    Outcome found = new Outcome();
    for (long seed = FIRST_SEED; seed < FIRST_SEED + CASES; seed++) {
      TestCase test = generator.generate(seed);
      String difference = difference(test, software, expected, found);
      if (!difference.isEmpty()) {
        TestCase shrunk =
            Shrinker.shrink(
                test, smaller -> !difference(smaller, software, expected, found).isEmpty());
        fail(
            "seed %d, code %s: %s%nshrunk to %s: %s"
                .formatted(
                    seed,
                    test.code(),
                    difference,
                    shrunk.code(),
                    difference(shrunk, software, expected, found)));
      }
    }
    System.out.printf("compared %d instructions%n", software.retired());
  }

  private static String difference(
      TestCase test, SoftRunner software, Outcome expected, Outcome found) throws IOException {
    processor.run(test, expected);
    software.run(test, found);
    return found.differenceTo(expected, test.undefinedFlagsAt(expected.vector()));
  }

  @Test
  void integerInstructionsDoWhatTheProcessorDoes() throws IOException {
    compare(Templates.integer());
  }

  @Test
  void stringComparisonsDoWhatTheProcessorDoes() throws IOException {
    compare(Templates.comparingStrings());
  }

  @Test
  void shiftsAndMultiplicationsDoWhatTheProcessorDoes() throws IOException {
    compare(Templates.shifts());
  }

  @Test
  void bitManipulationDoesWhatTheProcessorDoes() throws IOException {
    compare(Templates.bits());
  }

  @Test
  void packedIntegersDoWhatTheProcessorDoes() throws IOException {
    compare(Templates.packed());
  }

  @Test
  void hashesDoWhatTheProcessorDoes() throws IOException {
    boolean there = Files.readString(Path.of("/proc/cpuinfo")).contains(" sha_ni");
    if (!there) {
      System.out.println("skipped: this processor has no SHA instructions");
    }
    assumeTrue(there);
    compare(Templates.sha());
  }

  @Test
  void floatingPointDoesWhatTheProcessorDoes() throws IOException {
    compare(Templates.floats());
  }

  @Test
  void x87DoesWhatTheProcessorDoes() throws IOException {
    compare(Templates.x87());
  }

  @Test
  void unmaskedX87ExceptionsDoWhatTheProcessorDoes() throws IOException {
    compare(Templates.unmaskedX87());
  }

  @Test
  void otherFormsDoWhatTheProcessorDoes() throws IOException {
    compare(Templates.otherForms());
  }
}
