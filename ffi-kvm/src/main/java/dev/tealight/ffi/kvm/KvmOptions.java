// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm;

import dev.tealight.BackendOptions;
import java.util.List;
import java.util.Objects;

/**
 * Options of the KVM backend.
 *
 * @param cpuid what guests learn about the processor
 * @param ring3 when guests are started without the privileges that they expect
 * @param completing whether an instruction that KVM fails to emulate is executed in software, by an
 *     {@link dev.tealight.spi.InstructionCompleter} on the path. Only a KVM without hardware
 *     virtualisation emulates most of what guests execute at level 0, so only there it matters;
 *     each such instruction costs some ten microseconds
 * @param spare whether a VM is kept ready for the next guest; see {@link #withSpareVm()}
 */
public record KvmOptions(CpuidPolicy cpuid, Ring3Policy ring3, boolean completing, boolean spare)
    implements BackendOptions {

  /**
   * The defaults: {@link CpuidPolicy#DEFAULT}, {@link Ring3Policy#AUTO}, nothing in software, no
   * spare VM.
   */
  public static final KvmOptions DEFAULT =
      new KvmOptions(CpuidPolicy.DEFAULT, Ring3Policy.AUTO, false, false);

  /** Checks them. */
  public KvmOptions {
    Objects.requireNonNull(cpuid, "cpuid");
    Objects.requireNonNull(ring3, "ring3");
  }

  /**
   * {@return these options with another choice of the privilege level}
   *
   * @param policy the other one
   */
  public KvmOptions withRing3(Ring3Policy policy) {
    return new KvmOptions(cpuid, policy, completing, spare);
  }

  /**
   * {@return these options with other answers to CPUID}
   *
   * @param policy the other one
   */
  public KvmOptions withCpuid(CpuidPolicy policy) {
    return new KvmOptions(policy, ring3, completing, spare);
  }

  /** {@return these options with failed instructions executed in software} */
  public KvmOptions withCompletion() {
    return new KvmOptions(cpuid, ring3, true, spare);
  }

  /**
   * {@return these options with a VM kept ready for the next guest} Guests started one after the
   * other, with memory of one size, start and end sooner. The processor time is the same in all,
   * but a thread of the hypervisor, {@code kvm-spare}, makes VMs before they are wanted and
   * destroys them after their guests, while the next guest runs, or soon if none comes; it is a
   * daemon and ends when there is nothing to do.
   *
   * <p>After two guests in a row with equal {@link dev.tealight.VmOptions}, one VM is prepared for
   * a third, and another one when that is taken. It costs a range of addresses for its memory,
   * untouched, a vCPU, and what the kernel keeps for both, until a guest takes it, one of another
   * size replaces it or the hypervisor is closed. A guest never waits for one in preparation, and
   * if it cannot be prepared, guests are started as without.
   *
   * <p>Every guest has a VM of its own that no other has used. Its memory is unmapped when {@code
   * Vm.close()} returns; the descriptors of VM and vCPUs are closed soon after, at the latest by
   * {@code Hypervisor.close()}, and a failure to do so is logged instead of thrown. The time stamp
   * counter of a guest may have counted since the preparation of its VM.
   */
  public KvmOptions withSpareVm() {
    return new KvmOptions(cpuid, ring3, completing, true);
  }

  /**
   * When guests run at privilege level 3 instead of 0. A KVM without hardware virtualisation
   * executes level 3 natively, and emulates level 0: slowly, and without SSE. A guest's exits cost
   * more at level 3, and the processor itself answers CPUID there, whatever {@link CpuidPolicy}
   * says.
   */
  public enum Ring3Policy {
    /** Where KVM cannot execute SSE at level 0, and level 3 works. */
    AUTO,
    /** Nowhere. */
    NEVER,
    /**
     * Everywhere: the backend is unavailable where level 3 does not work. For tests that compare.
     */
    ALWAYS
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
