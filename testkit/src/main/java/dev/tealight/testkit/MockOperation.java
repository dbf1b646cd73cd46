// SPDX-License-Identifier: ISC

package dev.tealight.testkit;

/** What can be made to fail on a {@link MockHypervisor}, as a host might fail there. */
public enum MockOperation {
  /** {@link dev.tealight.Hypervisor#createVm}. */
  CREATE_VM,
  /** {@link dev.tealight.Hypervisor#createWaiter}. */
  CREATE_WAITER,
  /** {@link dev.tealight.Vm#createVcpu}. */
  CREATE_VCPU,
  /** {@link dev.tealight.Vm#protect}. */
  PROTECT,
  /** {@link dev.tealight.Vcpu#run}. */
  RUN,
  /** {@link dev.tealight.Vcpu#readState}. */
  READ_STATE,
  /** {@link dev.tealight.Vcpu#writeState}. */
  WRITE_STATE,
  /** {@link dev.tealight.Waiter#await}. */
  AWAIT
}
