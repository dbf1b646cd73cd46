// SPDX-License-Identifier: ISC

/** Backend for Linux KVM. */
package dev.tealight.ffi.kvm;
