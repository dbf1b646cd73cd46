// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import dev.tealight.ffi.posix.HostCalls;
import dev.tealight.ffi.posix.LinuxErrno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;

/**
 * A kernel that counts calls, descriptors and mappings, fails where it is told to, and runs no
 * guest. Any thread may call it; tests set answers while none does.
 */
final class ScriptedKernel implements HostCalls {
  private static final int FIRST_DESCRIPTOR = 1000;
  private static final long VCPU_MAPPING_BYTE_SIZE = 12288;

  /** Answers a device request in the place of the default. */
  @FunctionalInterface
  interface Answer {
    long to(long argument);
  }

  final List<String> calls = Collections.synchronizedList(new ArrayList<>());
  final Set<Integer> descriptors = ConcurrentHashMap.newKeySet();
  final Map<Long, Long> mappings = new ConcurrentSkipListMap<>();
  final Map<Integer, Answer> answers = new ConcurrentHashMap<>();
  long handler;

  /** The name of the thread whose call was made to fail; empty if none was. */
  volatile String failedThread = "";

  private final Arena arena = Arena.ofAuto();
  private int failing = -1;
  private long failure;
  private long closeFailure;
  private int next = FIRST_DESCRIPTOR;

  ScriptedKernel() {
    answers.put(KvmIoctl.GET_API_VERSION.code(), argument -> KvmDevice.API_VERSION);
    answers.put(KvmIoctl.CHECK_EXTENSION.code(), argument -> 1);
    answers.put(KvmIoctl.GET_VCPU_MMAP_SIZE.code(), argument -> VCPU_MAPPING_BYTE_SIZE);
    answers.put(KvmIoctl.CREATE_VM.code(), argument -> descriptor());
    answers.put(KvmIoctl.CREATE_VCPU.code(), argument -> descriptor());
  }

  /** Makes one call fail, counted from 0, that is no freeing one. */
  ScriptedKernel failing(int call, int errno) {
    failing = call;
    failure = -errno;
    return this;
  }

  /** Makes the next close report a failure; the descriptor is free all the same. */
  synchronized void failCloseOnce(int errno) {
    closeFailure = -errno;
  }

  private synchronized long descriptor() {
    descriptors.add(next);
    return next++;
  }

  private synchronized boolean fails(String call) {
    calls.add(call);
    if (calls.size() - 1 != failing) {
      return false;
    }
    failedThread = Thread.currentThread().getName();
    return true;
  }

  @Override
  public long open(MemorySegment path, int flags) {
    return fails("open") ? failure : descriptor();
  }

  @Override
  public synchronized long close(int descriptor) {
    if (!descriptors.remove(descriptor)) {
      return -LinuxErrno.EBADF;
    }
    long answer = closeFailure;
    closeFailure = 0;
    return answer;
  }

  @Override
  public long ioctl(int descriptor, int request, long argument) {
    if (!descriptors.contains(descriptor)) {
      return -LinuxErrno.EBADF;
    }
    if (fails("ioctl 0x%x".formatted(request))) {
      return failure;
    }
    return answers.getOrDefault(request, it -> 0).to(argument);
  }

  @Override
  public long ioctl(int descriptor, int request, MemorySegment argument) {
    if (request == KvmIoctl.GET_SUPPORTED_CPUID.code()) {
      argument.set(ValueLayout.JAVA_INT, 0, 1);
    }
    return ioctl(descriptor, request, argument.address());
  }

  @Override
  public long hotIoctl(int descriptor, int request, long argument) {
    return ioctl(descriptor, request, argument) < 0 ? FAILED : 0;
  }

  @Override
  public long read(int descriptor, MemorySegment buffer) {
    return fails("read") ? failure : -LinuxErrno.EAGAIN;
  }

  @Override
  public long write(int descriptor, MemorySegment buffer) {
    return fails("write") ? failure : buffer.byteSize();
  }

  /** Memory of the JVM: everything that maps may be read and written. */
  @Override
  public long mmap(long byteSize, int protection, int flags, int descriptor, long offset) {
    if (fails("mmap")) {
      return failure;
    }
    long address = arena.allocate(byteSize, 4096).address();
    mappings.put(address, byteSize);
    return address;
  }

  /** Allows for the ends of a mapping being cut off. */
  @Override
  public synchronized long munmap(long address, long byteSize) {
    for (Map.Entry<Long, Long> mapping : Map.copyOf(mappings).entrySet()) {
      long start = mapping.getKey();
      long end = start + mapping.getValue();
      if ((address <= start && start < address + byteSize) || (address > start && address < end)) {
        mappings.remove(start);
        if (start < address) {
          mappings.put(start, address - start);
        }
        if (address + byteSize < end) {
          mappings.put(address + byteSize, end - address - byteSize);
        }
      }
    }
    return 0;
  }

  @Override
  public long madvise(long address, long byteSize, int advice) {
    return fails("madvise") ? failure : 0;
  }

  @Override
  public long ppoll(MemorySegment pollfds, int count, MemorySegment timeout) {
    return fails("ppoll") ? failure : 0;
  }

  @Override
  public long eventfd() {
    return fails("eventfd") ? failure : descriptor();
  }

  @Override
  public long gettid() {
    return 1;
  }

  @Override
  public long tgkill(int thread, int signal) {
    return 0;
  }

  @Override
  public long sigaction(int signal, MemorySegment action, MemorySegment previous) {
    if (fails("sigaction")) {
      return failure;
    }
    if (!previous.equals(MemorySegment.NULL)) {
      previous.set(ValueLayout.JAVA_LONG, 0, handler);
    }
    if (!action.equals(MemorySegment.NULL)) {
      handler = action.get(ValueLayout.JAVA_LONG, 0);
    }
    return 0;
  }

  @Override
  public long idleHandler() {
    return 0x1234;
  }

  @Override
  public long unblockSignals(MemorySegment set) {
    return 0;
  }

  @Override
  public long setTimerSlack(long nanos) {
    return 0;
  }

  @Override
  public String errnoName(int errno) {
    return LinuxErrno.name(errno);
  }
}
