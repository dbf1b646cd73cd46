// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

/** What a KVM may be able to do, as {@code KVM_CHECK_EXTENSION} is asked for it. */
enum KvmCap {
  USER_MEMORY(3, true),
  EXT_CPUID(7, true),
  SET_GUEST_DEBUG(23, false),
  IOEVENTFD(36, false),
  GET_TSC_KHZ(61, true),
  READONLY_MEM(81, true),
  IMMEDIATE_EXIT(136, true);

  private final int number;
  private final boolean needed;

  KvmCap(int number, boolean needed) {
    this.number = number;
    this.needed = needed;
  }

  int number() {
    return number;
  }

  /** {@return whether there is no backend without it} */
  boolean needed() {
    return needed;
  }

  /** {@return the name in KVM's header} */
  String kernelName() {
    return "KVM_CAP_" + name();
  }
}
