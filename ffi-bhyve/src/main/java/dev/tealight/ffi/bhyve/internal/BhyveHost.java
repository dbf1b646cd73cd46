// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import dev.tealight.HypervisorUnavailableException;
import dev.tealight.ffi.posix.HostCalls;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.function.LongPredicate;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * The host, replaced by a model in tests.
 *
 * @param calls to its kernel
 * @param names of all VMs that it shows
 * @param alive whether it has a process of this number
 */
record BhyveHost(HostCalls calls, Supplier<Collection<String>> names, LongPredicate alive) {
  static final Path VMS = Path.of("/dev/vmm");

  /**
   * {@return this host}
   *
   * @throws HypervisorUnavailableException if it has no bhyve for us; says why
   */
  static BhyveHost system() {
    String os = System.getProperty("os.name");
    if (!os.equals("FreeBSD")) {
      throw new HypervisorUnavailableException("bhyve: not FreeBSD, this is " + os);
    }
    try {
      return new BhyveHost(
          HostCalls.system(), BhyveHost::list, number -> ProcessHandle.of(number).isPresent());
    } catch (UnsupportedOperationException | IllegalCallerException e) {
      throw new HypervisorUnavailableException("bhyve: " + e.getMessage(), e);
    }
  }

  /** The folder comes with the first VM. */
  private static Collection<String> list() {
    try (Stream<Path> files = Files.list(VMS)) {
      return files.map(file -> file.getFileName().toString()).toList();
    } catch (IOException e) {
      return List.of();
    }
  }
}
