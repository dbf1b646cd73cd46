// SPDX-License-Identifier: ISC

/** Linux KVM by its device requests. */
package dev.tealight.ffi.kvm.internal;
