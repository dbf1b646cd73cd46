// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm;

import dev.tealight.BackendOptions;
import java.util.List;
import java.util.Objects;

/**
 * Options of the KVM backend.
 *
 * @param cpuid what guests learn about the processor
 */
public record KvmOptions(CpuidPolicy cpuid) implements BackendOptions {

  /** The defaults: {@link CpuidPolicy#DEFAULT}. */
  public static final KvmOptions DEFAULT = new KvmOptions(CpuidPolicy.DEFAULT);

  /** Checks them. */
  public KvmOptions {
    Objects.requireNonNull(cpuid, "cpuid");
  }

  @Override
  public String backend() {
    return "kvm";
  }

  /**
   * One answer of the CPUID instruction.
   *
   * @param function EAX going in
   * @param index ECX going in, where it matters
   * @param indexMatters whether the answer depends on ECX
   * @param eax answer
   * @param ebx answer
   * @param ecx answer
   * @param edx answer
   */
  public record CpuidEntry(
      int function, int index, boolean indexMatters, int eax, int ebx, int ecx, int edx) {

    /**
     * {@return a copy without some bits of the answer}
     *
     * @param eaxBits to clear
     * @param ebxBits to clear
     * @param ecxBits to clear
     * @param edxBits to clear
     */
    public CpuidEntry without(int eaxBits, int ebxBits, int ecxBits, int edxBits) {
      return new CpuidEntry(
          function,
          index,
          indexMatters,
          eax & ~eaxBits,
          ebx & ~ebxBits,
          ecx & ~ecxBits,
          edx & ~edxBits);
    }
  }

  /**
   * Decides what guests learn about the processor. It is asked once for each hypervisor. What it
   * leaves out is hidden, but not always disabled: an instruction whose CPUID bit is clear may
   * still work.
   */
  @FunctionalInterface
  public interface CpuidPolicy {

    /** Everything that the host supports, as it says it. */
    CpuidPolicy HOST = supported -> supported;

    /**
     * What the host supports, without what a guest must not build on: nested virtualisation, SGX,
     * SEV, the host's cache and bandwidth controls, KVM's paravirtual features, and the number of
     * the processor that happened to answer. RDRAND and RDSEED stay.
     */
    CpuidPolicy DEFAULT = DefaultCpuid::apply;

    /**
     * {@return the answers for guests}
     *
     * @param supported what the host supports
     */
    List<CpuidEntry> apply(List<CpuidEntry> supported);
  }
}
