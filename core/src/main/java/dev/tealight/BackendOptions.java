// SPDX-License-Identifier: ISC
package dev.tealight;

/** The options of one backend: the one type that a backend's module exports. */
public interface BackendOptions {

  /** {@return the name of the backend they belong to, for instance {@code kvm}} */
  String backend();
}
