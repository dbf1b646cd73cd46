// SPDX-License-Identifier: ISC
package dev.tealight.ffi.posix;

/**
 * A device request. The name travels with the code, so that every failure says which call.
 *
 * @param name as in the host's header, for instance {@code KVM_CREATE_VM}
 * @param code as the host wants it
 */
public record Ioctl(String name, int code) {
  @Override
  public String toString() {
    return "ioctl(" + name + ")";
  }
}
