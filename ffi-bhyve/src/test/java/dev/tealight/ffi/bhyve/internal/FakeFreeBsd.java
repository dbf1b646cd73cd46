// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import dev.tealight.ffi.posix.FreeBsdErrno;
import dev.tealight.ffi.posix.HostCalls;
import java.lang.foreign.MemorySegment;

/** What every stand-in for FreeBSD's kernel answers: the names of errors, and what is not there. */
abstract class FakeFreeBsd implements HostCalls {

  @Override
  public String errnoName(int errno) {
    return FreeBsdErrno.name(errno);
  }

  @Override
  public long madvise(long address, long byteSize, int advice) {
    return -FreeBsdErrno.ENOSYS;
  }

  @Override
  public long gettid() {
    return -FreeBsdErrno.ENOSYS;
  }

  @Override
  public long tgkill(int thread, int signal) {
    return -FreeBsdErrno.ENOSYS;
  }

  @Override
  public long sigaction(int signal, MemorySegment action, MemorySegment previous) {
    return -FreeBsdErrno.ENOSYS;
  }

  @Override
  public long idleHandler() {
    return 0;
  }

  @Override
  public long unblockSignals(MemorySegment set) {
    return -FreeBsdErrno.ENOSYS;
  }
}
