// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import dev.tealight.ffi.posix.FreeBsdErrno;
import java.util.Map;
import java.util.TreeMap;

/** What a vCPU of the model can be told to do beside running. */
final class ModelCapabilities {
  private static final int HALT_EXIT = 0;
  private static final int MTRAP_EXIT = 1;
  private static final int UNRESTRICTED_GUEST = 3;
  private static final int BPT_EXIT = 5;
  static final int RFLAGS_TF = 10;

  private final VmmFacts facts;
  private final boolean amd;
  private final boolean unrestricted;
  private final Map<Integer, Integer> values = new TreeMap<>();

  ModelCapabilities(VmmFacts facts, boolean amd, boolean unrestricted) {
    this.facts = facts;
    this.amd = amd;
    this.unrestricted = amd || unrestricted;
  }

  /** Those that every processor of its maker has here; a real one may lack some. */
  private boolean isOffered(int type) {
    return switch (type) {
      case 0, 2, 8 -> true; // HALT_EXIT, PAUSE_EXIT, IPI_EXIT
      case UNRESTRICTED_GUEST -> unrestricted;
      case 1, 4 -> !amd; // MTRAP_EXIT, ENABLE_INVPCID
      case 5, 9 -> !amd || facts.version() > 13; // BPT_EXIT, MASK_HWINTR
      case 10 -> amd; // RFLAGS_TF
      case 6, 7 -> !amd; // RDPID, RDTSCP
      default -> false;
    };
  }

  private int error(int type) {
    if (type < 0 || type >= facts.number("VM_CAP_MAX")) {
      return -FreeBsdErrno.EINVAL;
    }
    return isOffered(type) ? 0 : -FreeBsdErrno.ENOENT;
  }

  /** {@return 0 or a negated errno} */
  int set(int type, int value) {
    int error = error(type);
    if (error != 0) {
      return error;
    }
    if (isOnlyAsked(type)) {
      return -facts.number("EOPNOTSUPP");
    }
    if (type == UNRESTRICTED_GUEST && amd) {
      return value != 0 ? 0 : -FreeBsdErrno.EINVAL;
    }
    values.put(type, value);
    return 0;
  }

  /** {@return the value or a negated errno} */
  int get(int type) {
    int error = error(type);
    if (error != 0) {
      return error;
    }
    boolean always = isOnlyAsked(type) || (type == UNRESTRICTED_GUEST && amd);
    return values.getOrDefault(type, always ? 1 : 0);
  }

  private static boolean isOnlyAsked(int type) {
    return type == 6 || type == 7;
  }

  boolean haltExit() {
    return get(HALT_EXIT) != 0;
  }

  /** {@return whether Intel's processor stops after each instruction} */
  boolean monitorTrap() {
    return get(MTRAP_EXIT) > 0;
  }

  /** {@return whether the guest may run without paging} */
  boolean unrestrictedGuest() {
    return get(UNRESTRICTED_GUEST) > 0;
  }

  boolean breakpointExit() {
    return get(BPT_EXIT) > 0;
  }

  /** As after the kernel made or reset the vCPU. */
  void reset() {
    values.clear();
  }
}
