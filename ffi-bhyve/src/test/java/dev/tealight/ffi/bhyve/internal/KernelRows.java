// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * What the model does, call by call, without the backend. Each row says how it is known for a real
 * kernel: {@link #SEEN} on FreeBSD 15.1 with an AMD processor, or not verified: {@link #SOURCE}
 * from what its source says, {@link #BELIEVED} of 13 and 14 because the code there is old. What
 * holds for some versions alone is not tried on the others.
 */
final class KernelRows {
  static final String SEEN = "seen on 15.1, AMD; on 13 and 14 not verified";
  static final String SOURCE = "not verified, by the source of 15.1";
  static final String BELIEVED = "not verified";

  /** What is done and checked. */
  interface Check {
    void on(RawVm vm);
  }

  /** One of them, on one kernel. */
  record Row(int version, boolean amd, String what, String known, Check check) {
    @Override
    public String toString() {
      return "%d %s: %s (%s)".formatted(version, amd ? "AMD" : "Intel", what, known);
    }

    /** Tries it on a VM of its own. */
    void tryIt() {
      try (RawVm vm = new RawVm(new VmmModel(version, amd)).create()) {
        check.on(vm);
      }
    }
  }

  private final List<Row> rows = new ArrayList<>();

  void row(String what, String known, Check check) {
    amd(what, known, check);
    intel(what, known.equals(SEEN) ? "seen on 15.1, AMD; on Intel not verified" : known, check);
  }

  void amd(String what, String known, Check check) {
    from(13, what, known, check);
  }

  void intel(String what, String known, Check check) {
    for (int version : new int[] {13, 14, 15}) {
      rows.add(new Row(version, false, what, known, check));
    }
  }

  /** On this version and later ones, with AMD. */
  void from(int first, String what, String known, Check check) {
    for (int version = first; version <= 15; version++) {
      rows.add(new Row(version, true, what, known, check));
    }
  }

  Stream<Row> stream() {
    return rows.stream();
  }

  /** Loads a guest that is ready to run. */
  static RawVm active(RawVm vm, String code) {
    vm.load(code);
    assertThat(vm.capability(true, 0, 1)).isZero();
    assertThat(vm.ioctl("VM_ACTIVATE_CPU", 0)).isZero();
    return vm;
  }
}
