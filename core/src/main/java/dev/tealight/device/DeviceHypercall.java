// SPDX-License-Identifier: ISC
package dev.tealight.device;

/**
 * A hypercall whose argument block begins with the 64-bit handle of the device it is meant for.
 *
 * @param nr the hypercall number
 * @param name the ABI's name for it
 * @param blockByteSize bytes of the argument block
 * @param resultOffset where in the block the 32-bit result code goes
 */
public record DeviceHypercall(int nr, String name, int blockByteSize, int resultOffset) {}
