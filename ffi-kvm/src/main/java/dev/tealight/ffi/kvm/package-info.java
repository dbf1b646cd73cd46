// SPDX-License-Identifier: ISC

/** Backend for Linux KVM: its options. */
package dev.tealight.ffi.kvm;
