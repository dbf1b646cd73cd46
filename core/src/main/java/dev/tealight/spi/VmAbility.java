// SPDX-License-Identifier: ISC
package dev.tealight.spi;

/**
 * Something that the VMs of some backends can do; {@link dev.tealight.Vm#ability} tells whether a
 * VM has it.
 */
public sealed interface VmAbility permits Doorbells, DirtyTracking, HostedChips {}
