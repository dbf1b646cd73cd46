// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What the model does, call by call, without the backend. Each row says how it is known for a real
 * kernel: {@link #SEEN} on FreeBSD 15.1 or {@link #SEEN_ON_15_0} with an AMD processor, or not
 * verified, by {@link #SOURCE} or {@link #BELIEVED}. What holds for some versions alone is not
 * tried on the others.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class KernelRows {
  static final String SEEN = "seen on 15.1, AMD; on 13 and 14 not verified";
  static final String SEEN_ON_15_0 = "seen on 15.0, AMD; on 13 and 14 not verified";
  static final String SOURCE = "not verified, by the source of 15.1";
  static final String BELIEVED = "not verified";

  // Numbers of vmm and of errors.
  static final int EALREADY = 37;
  static final int ENAMETOOLONG = 63;
  static final int ERANGE = 34;
  static final int EOPNOTSUPP = 45;
  static final int VMX = 1;
  static final int BOGUS = 2;
  static final int MTRAP = 6;
  static final int INST_EMUL = 9;
  static final int SUSPENDED = 14;
  static final int INOUT_STR = 15;
  static final int SVM = 19;
  static final int DEBUG = 21;
  static final int BPT = 23;
  static final int DB = 25;
  static final int RAX = 0;
  static final int RCX = 2;
  static final int RDX = 3;
  static final int RSI = 4;
  static final int RDI = 5;
  static final int RSP = 19;
  static final int CR0 = 15;
  static final int RIP = 20;
  static final int RFLAGS = 21;
  static final int CS = 23;
  static final int EFER = 32;
  static final long OUTSIDE = 0x3000_0000;

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
  }

  private final List<Row> rows = new ArrayList<>();

  void row(String what, String known, Check check) {
    amd(what, known, check);
    intel(what, known.replace("on 13 and 14", "on Intel"), check);
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

  /** Adds them. */
  abstract void fill();

  Stream<Row> rows() {
    fill();
    return rows.stream();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("rows")
  void modelDoesAsTheKernel(Row row) {
    try (RawVm vm = new RawVm(new VmmModel(row.version(), row.amd())).create()) {
      row.check().on(vm);
    }
  }

  /** Loads a guest that is ready to run. */
  static RawVm active(RawVm vm, String code) {
    vm.load(code);
    assertThat(vm.capability(true, 0, 1)).isZero();
    assertThat(vm.ioctl("VM_ACTIVATE_CPU", 0)).isZero();
    return vm;
  }
}
