// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.differential;

import static org.junit.jupiter.api.Assertions.fail;

import dev.tealight.softcpu.internal.differential.Templates.Template;
import dev.tealight.softcpu.internal.run.TranslationPolicy;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Compares translated code with the interpreter, bit for bit: random loops with jumps and calls,
 * whose blocks are translated while they run. A failure names the seed and the code.
 */
class TranslatorTest {
  private static final boolean NIGHTLY = "nightly".equals(System.getProperty("tealight.effort"));
  private static final int CASES = NIGHTLY ? 100_000 : 500;
  private static final long FIRST_SEED = Long.getLong("tealight.seed", 1);

  /** A runner is used for so many cases: what it has translated stays behind. */
  private static final int CASES_PER_RUNNER = 500;

  private static void compare(List<Template> templates) throws IOException {
    CaseGenerator generator = new CaseGenerator(templates);
    Outcome expected = new Outcome();
    Outcome found = new Outcome();
    SoftRunner interpreter = new SoftRunner(TranslationPolicy.NEVER);
    SoftRunner translator = new SoftRunner(TranslationPolicy.EAGER);
    for (long seed = FIRST_SEED; seed < FIRST_SEED + CASES; seed++) {
      if (seed % CASES_PER_RUNNER == 0) {
        interpreter = new SoftRunner(TranslationPolicy.NEVER);
        translator = new SoftRunner(TranslationPolicy.EAGER);
      }
      TestCase test = generator.generateLoop(seed);
      interpreter.run(test, expected);
      translator.run(test, found);
      boolean differs =
          !Arrays.equals(expected.bytes, found.bytes)
              || interpreter.retired() != translator.retired();
      if (differs) {
        fail(
            "seed %d, code %s: %s, %d instructions, interpreter %d%nshrunk to %s"
                .formatted(
                    seed,
                    test.code(),
                    found.differenceTo(expected, 0),
                    translator.retired(),
                    interpreter.retired(),
                    Shrinker.shrink(test, TranslatorTest::differs).code()));
      }
    }
  }

  private static boolean differs(TestCase test) {
    SoftRunner interpreter = new SoftRunner(TranslationPolicy.NEVER);
    SoftRunner translator = new SoftRunner(TranslationPolicy.EAGER);
    Outcome expected = new Outcome();
    Outcome found = new Outcome();
    interpreter.run(test, expected);
    translator.run(test, found);
    return !Arrays.equals(expected.bytes, found.bytes)
        || interpreter.retired() != translator.retired();
  }

  @Test
  void integerInstructionsDoWhatTheInterpreterDoes() throws IOException {
    compare(Templates.integer());
  }

  @Test
  void stringComparisonsDoWhatTheInterpreterDoes() throws IOException {
    compare(Templates.comparingStrings());
  }

  @Test
  void shiftsAndMultiplicationsDoWhatTheInterpreterDoes() throws IOException {
    compare(Templates.shifts());
  }

  @Test
  void bitManipulationDoesWhatTheInterpreterDoes() throws IOException {
    compare(Templates.bits());
  }

  @Test
  void packedIntegersDoWhatTheInterpreterDoes() throws IOException {
    compare(Templates.packed());
  }

  @Test
  void hashesDoWhatTheInterpreterDoes() throws IOException {
    compare(Templates.sha());
  }

  @Test
  void floatingPointDoesWhatTheInterpreterDoes() throws IOException {
    compare(Templates.floats());
  }

  @Test
  void x87DoesWhatTheInterpreterDoes() throws IOException {
    compare(Templates.x87());
  }

  @Test
  void otherFormsDoWhatTheInterpreterDoes() throws IOException {
    compare(Templates.otherForms());
  }
}
