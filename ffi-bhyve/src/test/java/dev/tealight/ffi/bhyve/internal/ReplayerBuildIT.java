// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The replayer as a program for FreeBSD, which this host can build but not run. */
class ReplayerBuildIT {
  private static final int LOAD = 1;
  private static final int DYNAMIC = 2;
  private static final int INTERPRETER = 3;
  private static final int NOTE = 4;
  private static final int EXECUTABLE = 2;
  private static final int X86_64 = 62;
  private static final int FREE_BSD = 9;

  private static byte[] build() throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder("sh", "build")
            .directory(Replayer.SOURCES.toFile())
            .redirectErrorStream(true)
            .start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(said).isZero();
    assumeTrue(!said.contains("not built"), said);
    return Files.readAllBytes(Path.of("target", "replay"));
  }

  @Test
  void programIsStaticAndBrandedForFreeBsd() throws IOException, InterruptedException {
    ByteBuffer elf = ByteBuffer.wrap(build()).order(ByteOrder.LITTLE_ENDIAN);
    assertThat(elf.getInt(0)).isEqualTo(0x464c457f);
    assertThat(elf.get(7)).as("EI_OSABI").isEqualTo((byte) FREE_BSD);
    assertThat(elf.getShort(16)).as("e_type").isEqualTo((short) EXECUTABLE);
    assertThat(elf.getShort(18)).as("e_machine").isEqualTo((short) X86_64);
    long entry = elf.getLong(24);
    boolean starts = false;
    boolean noted = false;
    for (int i = 0; i < elf.getShort(56); i++) {
      int header = (int) elf.getLong(32) + i * elf.getShort(54);
      int type = elf.getInt(header);
      assertThat(type).isNotIn(DYNAMIC, INTERPRETER);
      long address = elf.getLong(header + 16);
      boolean executable = (elf.getInt(header + 4) & 1) != 0;
      starts |=
          type == LOAD
              && executable
              && entry >= address
              && entry < address + elf.getLong(header + 32);
      if (type == NOTE) {
        int note = (int) elf.getLong(header + 8);
        // The kernel looks for it in the first page of the file.
        noted |=
            note < 4096
                && elf.getInt(note) == 8
                && elf.getInt(note + 8) == 1
                && elf.getLong(note + 12) == 0x00445342_65657246L; // "FreeBSD"
      }
    }
    assertThat(starts).as("the entry is in code").isTrue();
    assertThat(noted).as("there is a note of the ABI").isTrue();
  }

  /** A program for FreeBSD asks the kernel for everything, so that a tracer can be its kernel. */
  @Test
  void programStartsReadsItsFilesAndEndsUnderATracer(@TempDir Path folder)
      throws IOException, InterruptedException {
    assumeTrue(System.getProperty("os.name").equals("Linux"), "the tracer is for Linux");
    byte[] _ = build();
    Path tracer = folder.resolve("on-linux");
    String source = Replayer.SOURCES.resolve("on-linux.c").toString();
    Replayer.Ended compiled =
        Replayer.run("cc", "-Wall", "-Werror", "-O1", "-o", tracer.toString(), source);
    assumeTrue(compiled.status() == 0, compiled.output());
    Path empty = folder.resolve("empty.vmm");
    new RecordingWriter(empty).close();
    String program = Path.of("target", "replay").toString();
    Replayer.Ended read =
        Replayer.run(tracer.toString(), program, empty.toString(), empty.toString());
    assumeTrue(read.status() != 127, "tracing is not permitted here");
    assertThat(read.output())
        .contains("replay: 2 recordings, 0 calls, ")
        .contains(", 0 unreadable");
    assertThat(read.status()).isZero();
    Replayer.Ended missing =
        Replayer.run(tracer.toString(), program, folder.resolve("missing").toString());
    assertThat(missing.output()).contains("replay: no recording").contains(" 1 unreadable");
    assertThat(missing.status()).isEqualTo(2);
  }
}
