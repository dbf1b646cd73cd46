// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tealight.ffi.posix.HostCalls;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;

/** The replayer in C, built as a library whose system calls come back here. */
final class Replayer {
  static final Path SOURCES = Path.of("replay");

  private static final ValueLayout.OfLong WORD = ValueLayout.JAVA_LONG;
  private static final FunctionDescriptor SYSTEM_CALL =
      FunctionDescriptor.of(WORD, Collections.nCopies(7, WORD).toArray(ValueLayout[]::new));

  private final Path library;

  /**
   * What a replay gave.
   *
   * @param status of the program
   * @param console what it printed
   */
  record Result(int status, String console) {
    /** {@return the line with the counts} */
    String counts() {
      return console.lines().toList().getLast();
    }
  }

  /**
   * Builds it.
   *
   * @param folder where to
   * @throws IOException if there is no C compiler called {@code cc}, or with its messages
   */
  Replayer(Path folder) throws IOException {
    library = folder.resolve("replay.so");
    Process process =
        new ProcessBuilder(
                "cc",
                "-std=c11",
                "-O1",
                "-Wall",
                "-Wextra",
                "-Werror",
                "-ffreestanding",
                "-fPIC",
                "-shared",
                "-o",
                library.toString(),
                "hosted.c",
                "replay.c",
                "own.c",
                "sound.c",
                "compare.c")
            .directory(SOURCES.toFile())
            .redirectErrorStream(true)
            .start();
    String messages = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    try {
      if (process.waitFor() != 0) {
        throw new IOException(messages);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(e);
    }
  }

  /** Replays recordings on a kernel, as a process of this number. */
  @SuppressWarnings("restricted")
  Result replay(byte[] recordings, HostCalls kernel, long process) {
    RawKernel raw = new RawKernel(kernel, process);
    // A fresh copy of the library for each replay: its counts start at 0.
    try (Arena scratch = Arena.ofConfined()) {
      Linker linker = Linker.nativeLinker();
      Class<?>[] words = new Class<?>[7];
      Arrays.fill(words, long.class);
      MethodHandle call =
          MethodHandles.lookup()
              .findVirtual(RawKernel.class, "call", MethodType.methodType(long.class, words))
              .bindTo(raw);
      // SAFETY: the functions have these parameters in C.
      MemorySegment calls = linker.upcallStub(call, SYSTEM_CALL, scratch);
      MethodHandle replay =
          linker.downcallHandle(
              SymbolLookup.libraryLookup(library, scratch).findOrThrow("replay_on"),
              FunctionDescriptor.of(
                  ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.ADDRESS, WORD));
      MemorySegment bytes = scratch.allocate(Math.max(recordings.length, 1), Long.BYTES);
      bytes.asSlice(0, recordings.length).copyFrom(MemorySegment.ofArray(recordings));
      int status = (int) replay.invokeExact(calls, bytes, (long) recordings.length);
      return new Result(status, raw.console());
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  /** How a program ended, and what it said. */
  record Ended(int status, String output) {}

  /** Runs a program; without the C compiler, the test is skipped. */
  static Ended run(String... command) throws IOException, InterruptedException {
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      return new Ended(process.waitFor(), said);
    } catch (IOException e) {
      assumeTrue(!command[0].equals("cc"), "there is no C compiler called cc");
      throw e;
    }
  }
}
