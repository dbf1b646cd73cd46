// SPDX-License-Identifier: ISC
package dev.tealight.spi;

/**
 * Something that the vCPUs of some backends can do. Each ability is an interface of its own; {@link
 * dev.tealight.Vcpu#ability} tells whether a vCPU has it.
 */
public sealed interface VcpuAbility
    permits DebugControl,
        StateSaver,
        InterruptInjector,
        UnprivilegedStart,
        GuestDiagnosis,
        RepeatableInputs {}
