// SPDX-License-Identifier: ISC

/** Runs unikernels: monitor, vCPUs, guest memory, devices. */
package dev.tealight;
