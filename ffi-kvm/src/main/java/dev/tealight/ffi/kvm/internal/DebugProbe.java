// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import dev.tealight.ExitFrame;
import dev.tealight.ExitKind;
import dev.tealight.ExitKind.DebugCause;
import dev.tealight.HostCallException;
import dev.tealight.X86Register;
import dev.tealight.spi.DebugControl.Breakpoint;
import dev.tealight.spi.DebugControl.Feature;
import dev.tealight.spi.DebugControl.Trigger;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * Finds out which kinds of debugging work, by running a few instructions: a KVM that emulates the
 * guest accepts more requests than it honours.
 */
final class DebugProbe {
  static final long MEMORY_BYTE_SIZE = 0x6000;

  private static final long PML4 = 0x1000;
  private static final long PDPT = 0x2000;
  private static final long PAGE_DIRECTORY = 0x3000;
  private static final long CODE = 0x4000;
  private static final long DATA = 0x5000;

  private static final long PRESENT_WRITABLE = 0x3;
  private static final long LARGE_PAGE = 0x83;

  /** In 64-bit mode, without an interrupt table: what is not debugged ends in a shutdown. */
  private static final byte[] INSTRUCTIONS = {
    (byte) 0x90, // nop
    (byte) 0x88,
    0x07, // mov %al, (%rdi)
    (byte) 0x90, // nop
    (byte) 0xcc, // int3
    (byte) 0xf4 // hlt
  };

  private static final long SECOND_INSTRUCTION = CODE + 1;

  private final KvmVcpu vcpu;
  private final ExitFrame exit = new ExitFrame();

  private DebugProbe(KvmVcpu vcpu) {
    this.vcpu = vcpu;
  }

  /**
   * {@return what works}
   *
   * @param vm of {@link #MEMORY_BYTE_SIZE}, for this alone
   */
  static Set<Feature> features(KvmVm vm) {
    MemorySegment memory = vm.memory().unrestricted();
    memory.set(ValueLayout.JAVA_LONG, PML4, PDPT | PRESENT_WRITABLE);
    memory.set(ValueLayout.JAVA_LONG, PDPT, PAGE_DIRECTORY | PRESENT_WRITABLE);
    memory.set(ValueLayout.JAVA_LONG, PAGE_DIRECTORY, LARGE_PAGE);
    MemorySegment.copy(INSTRUCTIONS, 0, memory, ValueLayout.JAVA_BYTE, CODE, INSTRUCTIONS.length);
    DebugProbe probe = new DebugProbe(vm.newVcpu());
    Set<Feature> features = EnumSet.noneOf(Feature.class);
    for (Feature feature : Feature.values()) {
      if (probe.works(feature)) {
        features.add(feature);
      }
    }
    return Collections.unmodifiableSet(features);
  }

  private boolean works(Feature feature) {
    return switch (feature) {
      case STEP -> stops(new KvmGuestDebug(true, false, List.of()), DebugCause.STEP);
      case SOFTWARE_BREAKPOINT ->
          stops(new KvmGuestDebug(false, true, List.of()), DebugCause.SOFTWARE_BREAKPOINT);
      case HARDWARE_BREAKPOINT -> stops(new Breakpoint(SECOND_INSTRUCTION, 1, Trigger.EXECUTE));
      case WATCHPOINT -> stops(new Breakpoint(DATA, 1, Trigger.WRITE));
    };
  }

  private boolean stops(Breakpoint breakpoint) {
    return stops(
        new KvmGuestDebug(false, false, List.of(breakpoint)), DebugCause.HARDWARE_BREAKPOINT);
  }

  private boolean stops(KvmGuestDebug debug, DebugCause cause) {
    try {
      vcpu.writeState(LongMode.at(CODE, PML4).set(X86Register.RDI, DATA));
      vcpu.setDebug(debug);
      return vcpu.run(exit) == ExitKind.DEBUG && exit.detail() == cause.ordinal();
    } catch (HostCallException e) {
      return false; // the request itself is refused
    }
  }
}
