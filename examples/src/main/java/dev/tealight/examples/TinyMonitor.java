// SPDX-License-Identifier: ISC

package dev.tealight.examples;

// snippet: tiny-monitor
import dev.tealight.ExitFrame;
import dev.tealight.Hypervisor;
import dev.tealight.Vcpu;
import dev.tealight.Vm;
import dev.tealight.VmOptions;
import dev.tealight.X86CpuState;
import dev.tealight.X86Register;
import dev.tealight.X86Segment;
import java.lang.foreign.MemorySegment;

/** A monitor of one's own: runs 16-bit code that prints to port 0xe9 until it halts. */
public final class TinyMonitor {
  private static final long CODE_GPA = 0x1000;

  private final StringBuilder output = new StringBuilder();

  /**
   * Runs a program.
   *
   * @param hypervisor runs it
   * @param code loaded at 0x1000 and entered there, in real mode
   * @return what it printed
   */
  public String run(Hypervisor hypervisor, byte[] code) {
    try (Vm vm = hypervisor.createVm(VmOptions.ofMemory(1 << 20));
        Vcpu vcpu = vm.createVcpu()) {
      MemorySegment.copy(
          MemorySegment.ofArray(code), 0, vm.memory().unrestricted(), CODE_GPA, code.length);
      X86CpuState state = (X86CpuState) vcpu.readState(); // the processor's reset state
      X86Segment reset = state.segment(X86Segment.Name.CS);
      state.set(X86Segment.Name.CS, new X86Segment(0, 0, reset.limit(), reset.attributes()));
      vcpu.writeState(state.set(X86Register.RIP, CODE_GPA));

      ExitFrame exit = new ExitFrame();
      while (true) {
        switch (vcpu.run(exit)) {
          case IO_WRITE -> print(exit);
          case HALT -> {
            return output.toString();
          }
          case INTERRUPTED -> {}
          default -> throw new IllegalStateException("unexpected " + exit);
        }
      }
    }
  }

  private void print(ExitFrame exit) {
    if (exit.address() == 0xe9 && exit.width() == 1) {
      output.append((char) exit.value());
    }
  }

  /** Creates one. */
  public TinyMonitor() {}
}
// end
