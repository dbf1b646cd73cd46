// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import dev.tealight.ffi.posix.Ioctl;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which form of a request the kernel understands, where versions differ. It begins with the version
 * that the kernel says it is, which a jail may have changed, and goes by what the kernel accepts: a
 * form that it does not know fails with {@code ENOTTY} and changes nothing. Any thread may use it.
 */
final class VmmForms {
  private static final Logger LOG = LoggerFactory.getLogger(VmmForms.class);

  private static final int SEGMENTS_WITH_DOMAINS = 15;
  private static final int RUN_WITH_POINTERS = 14;

  private static final int MAPPINGS_13 = 8;
  private static final int MAPPINGS_15 = 22;

  private volatile boolean oldSegments;
  private volatile boolean oldRun;

  /** Begins with the forms of a version of FreeBSD. */
  VmmForms(int version) {
    oldSegments = version < SEGMENTS_WITH_DOMAINS;
    oldRun = version < RUN_WITH_POINTERS;
  }

  Ioctl allocSegment() {
    return oldSegments ? VmmIoctl.ALLOC_MEMSEG_13 : VmmIoctl.ALLOC_MEMSEG_15;
  }

  /** The kernel did not know {@link #allocSegment}. */
  void otherSegments(boolean wasOld) {
    oldSegments = !wasOld;
    LOG.info("the kernel has another form of VM_ALLOC_MEMSEG than its version says");
  }

  boolean oldSegments() {
    return oldSegments;
  }

  /** {@return how many mappings a VM may have} */
  int mappingLimit() {
    return oldSegments ? MAPPINGS_13 : MAPPINGS_15;
  }

  static Ioctl run(boolean old) {
    return old ? VmmIoctl.RUN_13 : VmmIoctl.RUN_14;
  }

  /** {@return whether {@code VM_RUN} holds its exit, as in FreeBSD 13} */
  boolean oldRun() {
    return oldRun;
  }

  /** The kernel did not know {@link #run} of this form. */
  void otherRun(boolean wasOld) {
    oldRun = !wasOld;
    LOG.info("the kernel has another form of VM_RUN than its version says");
  }
}
