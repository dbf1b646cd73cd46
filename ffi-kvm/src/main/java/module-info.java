// SPDX-License-Identifier: ISC

import org.jspecify.annotations.NullMarked;

/** Backend for Linux KVM. */
@NullMarked
module dev.tealight.ffi.kvm {
  requires transitive dev.tealight;
  requires dev.tealight.ffi.posix;
  requires org.slf4j;
  requires static org.jspecify;

  exports dev.tealight.ffi.kvm;

  uses dev.tealight.spi.InstructionCompleter;

  provides dev.tealight.spi.HypervisorProvider with
      dev.tealight.ffi.kvm.internal.KvmHypervisorProvider;
}
