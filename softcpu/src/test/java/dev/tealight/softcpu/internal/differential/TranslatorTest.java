// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.differential;

import static org.junit.jupiter.api.Assertions.fail;

import dev.tealight.softcpu.internal.differential.Templates.Template;
import dev.tealight.softcpu.internal.run.TranslationPolicy;
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

  private static void compare(List<Template> templates) {
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
      if (!Arrays.equals(expected.bytes, found.bytes)) {
        fail("seed %d, code %s: %s".formatted(seed, test.code(), found.differenceTo(expected, 0)));
      }
      if (interpreter.retired() != translator.retired()) {
        fail(
            "seed %d, code %s: %d instructions, interpreter %d"
                .formatted(seed, test.code(), translator.retired(), interpreter.retired()));
      }
    }
  }

  @Test
  void integerInstructionsDoWhatTheInterpreterDoes() {
    compare(Templates.integer());
  }

  @Test
  void stringComparisonsDoWhatTheInterpreterDoes() {
    compare(Templates.comparingStrings());
  }

  @Test
  void shiftsAndMultiplicationsDoWhatTheInterpreterDoes() {
    compare(Templates.shifts());
  }

  @Test
  void bitManipulationDoesWhatTheInterpreterDoes() {
    compare(Templates.bits());
  }

  @Test
  void packedIntegersDoWhatTheInterpreterDoes() {
    compare(Templates.packed());
  }

  @Test
  void floatingPointDoesWhatTheInterpreterDoes() {
    compare(Templates.floats());
  }

  @Test
  void x87DoesWhatTheInterpreterDoes() {
    compare(Templates.x87());
  }
}
