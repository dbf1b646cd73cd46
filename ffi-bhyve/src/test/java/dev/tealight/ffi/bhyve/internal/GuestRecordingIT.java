// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tealight.Hypervisor;
import dev.tealight.ffi.bhyve.BhyveOptions;
import dev.tealight.testkit.contract.GuestSuite;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Records all guest programs on the model, and replays the recordings on it. The recordings are
 * left in {@code target/recordings}, for a real kernel: see docs/bhyve-recordings.md.
 */
class GuestRecordingIT {
  private static final Path FOLDER = Path.of("target", "recordings");

  /** What they do depends on how much time passes, when they are stopped, or on the processor. */
  private static final Pattern DEPENDS_ON_TIME =
      Pattern.compile(
          "(time|poll|pollforever|spin|count|flood|threads|garbagecr3|guestPaused"
              + "|avx|cpuid|rdrand).*");

  /** One version of FreeBSD. */
  abstract static class OfVersion extends GuestSuite {
    private final int version;
    private @Nullable BhyveHypervisor hypervisor;

    OfVersion(int version) {
      this.version = version;
    }

    @Override
    protected Hypervisor open() {
      assumeTrue(
          "nightly".equals(System.getProperty("tealight.effort")),
          "all guests are recorded at night and by ffi-bhyve/replay/record, it takes minutes");
      assumeFalse(getClass().getModule().isNamed(), "all guests are recorded on the class path");
      try {
        Files.createDirectories(FOLDER);
      } catch (IOException e) {
        throw new AssertionError(e);
      }
      BhyveOptions options =
          new BhyveOptions(false, Duration.ofMillis(500), Optional.of(file(version)));
      RECORDED.add(version);
      BhyveHypervisor opened = BhyveHypervisor.open(new VmmModel(version, true).host(), options);
      hypervisor = opened;
      return opened;
    }

    @BeforeEach
    void mark(TestInfo test) {
      String name = test.getDisplayName();
      boolean time = DEPENDS_ON_TIME.matcher(name).matches();
      Objects.requireNonNull(hypervisor)
          .recording()
          .orElseThrow()
          .mark(name, time ? RecordingWriter.DEPENDS_ON_TIME : 0);
    }

    @Override
    protected boolean protectsBeyondWrites() {
      return true;
    }

    @Override
    protected boolean protectsReads() {
      return false;
    }
  }

  @Nested
  class Of13 extends OfVersion {
    Of13() {
      super(13);
    }
  }

  @Nested
  class Of14 extends OfVersion {
    Of14() {
      super(14);
    }
  }

  @Nested
  class Of15 extends OfVersion {
    Of15() {
      super(15);
    }
  }

  @TempDir static Path folder;

  private static final List<Integer> RECORDED = new ArrayList<>();
  private static Optional<Replayer> replayer = Optional.empty();

  @BeforeAll
  static void build() {
    try {
      replayer = Optional.of(new Replayer(folder));
    } catch (IOException e) {
      System.err.println("recordings are not replayed: " + e.getMessage());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {13, 14, 15})
  void exitsOfEveryKind(int version) throws IOException {
    Path file = Files.createDirectories(FOLDER).resolve("exits-%d.vmm".formatted(version));
    ExitGuests.record(new VmmModel(version, true), file);
    replay(version, file);
  }

  @ParameterizedTest
  @ValueSource(ints = {13, 14, 15})
  void kernelsWithInterrupts(int version) throws IOException, InterruptedException {
    Path file = Files.createDirectories(FOLDER).resolve("kernels-%d.vmm".formatted(version));
    KernelRecording.record(new VmmModel(version, true), file);
    replay(version, file);
  }

  @AfterAll
  static void replay() throws IOException {
    for (int version : RECORDED) {
      replay(version, file(version));
    }
  }

  private static void replay(int version, Path file) throws IOException {
    if (replayer.isPresent()) {
      byte[] recording = Files.readAllBytes(file);
      Replayer.Result result = replayer.get().replay(recording, new VmmModel(version, true), 4711);
      System.err.println(result.console());
      assertThat(result.status()).as(result.console()).isZero();
    }
  }

  private static Path file(int version) {
    return FOLDER.resolve("guests-%d.vmm".formatted(version));
  }
}
