// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static dev.tealight.ffi.bhyve.internal.RecordingWriter.IN;
import static dev.tealight.ffi.bhyve.internal.RecordingWriter.OF_ARGUMENT;
import static dev.tealight.ffi.bhyve.internal.RecordingWriter.OUT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.tealight.ffi.bhyve.internal.RecordingWriter.Buffer;
import dev.tealight.ffi.posix.FreeBsdAbi;
import dev.tealight.ffi.posix.HostCalls;
import dev.tealight.ffi.posix.Mapping;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.LongSupplier;

/**
 * Records every call to FreeBSD's kernel with what it was given and what it gave, and what became
 * of guest memory between the calls. Any thread may use it. A run of a vCPU is recorded when it
 * ends; what others did meanwhile comes behind it, or before it if it ended because of that.
 *
 * @see "docs/bhyve-recordings.md"
 */
final class RecordingHostCalls implements HostCalls, AutoCloseable {
  private static final int REQUEST_SIZE_SHIFT = 16;
  private static final int REQUEST_SIZE = 0x1fff;
  private static final int COPIES_IN = 0x8000_0000;
  private static final int COPIES_OUT = 0x4000_0000;

  private static final int EVENTFD = 1; // of __specialfd

  private final HostCalls host;
  private final RecordingWriter writer;

  // Guarded by this object's lock, which every call but a run holds.
  private final Map<Long, Watched> mappings = new TreeMap<>();
  private int running;

  /** A mapping of guest memory, and a copy of what it held when it was last looked at. */
  private record Watched(MemorySegment mapping, MemorySegment copy) {
    private static final int PAGE = 4096;

    void findChanges(RecordingWriter writer, int kind) {
      long size = mapping.byteSize();
      for (long page = 0; page < size; page += PAGE) {
        long end = Math.min(page + PAGE, size);
        if (MemorySegment.mismatch(mapping, page, end, copy, page, end) >= 0) {
          writeChanges(writer, kind, page, end);
        }
      }
    }

    private void writeChanges(RecordingWriter writer, int kind, long page, long end) {
      long begin = -1;
      for (long at = page; at < end; at += JAVA_LONG.byteSize()) {
        long now = mapping.get(JAVA_LONG, at);
        boolean changed = now != copy.get(JAVA_LONG, at);
        copy.set(JAVA_LONG, at, now);
        if (changed && begin < 0) {
          begin = at;
        } else if (!changed && begin >= 0) {
          write(writer, kind, begin, at);
          begin = -1;
        }
      }
      if (begin >= 0) {
        write(writer, kind, begin, end);
      }
    }

    private void write(RecordingWriter writer, int kind, long begin, long end) {
      writer.wrote(kind, mapping.address() + begin, copy.asSlice(begin, end - begin));
    }
  }

  /**
   * Records what goes to a kernel.
   *
   * @param host the kernel
   * @param writer closed with this
   */
  RecordingHostCalls(HostCalls host, RecordingWriter writer) {
    this.host = host;
    this.writer = writer;
  }

  /** What follows is another matter. */
  synchronized void mark(String text, int flags) {
    writer.mark(text, flags);
  }

  @Override
  public synchronized void close() {
    mappings.clear();
    writer.close();
  }

  private synchronized long record(
      int number, long[] arguments, List<Buffer> buffers, LongSupplier call) {
    long result = call.getAsLong();
    writer.call(number, arguments, buffers, result);
    return result;
  }

  private static void add(List<Buffer> to, int argument, MemorySegment bytes, int direction) {
    if (bytes.byteSize() > 0) {
      to.add(Buffer.of(OF_ARGUMENT, argument, bytes, direction));
    }
  }

  @Override
  public long open(MemorySegment path, int flags) {
    List<Buffer> buffers = new ArrayList<>();
    add(buffers, 0, path, IN);
    long[] arguments = {path.address(), flags | FreeBsdAbi.O_CLOEXEC, 0};
    return record(FreeBsdCall.OPEN, arguments, buffers, () -> host.open(path, flags));
  }

  @Override
  public long close(int descriptor) {
    long[] arguments = {descriptor};
    return record(FreeBsdCall.CLOSE, arguments, List.of(), () -> host.close(descriptor));
  }

  // Device requests.

  @Override
  public long ioctl(int descriptor, int request, MemorySegment argument) {
    return ioctl(descriptor, request, argument.address());
  }

  /** With errno, for the record. */
  @Override
  public long hotIoctl(int descriptor, int request, long argument) {
    return ioctl(descriptor, request, argument);
  }

  @Override
  public long ioctl(int descriptor, int request, long argument) {
    if (request == VmmIoctl.RUN_13.code() || request == VmmIoctl.RUN_14.code()) {
      return run(descriptor, request, argument);
    }
    List<Buffer> buffers = buffers(request, argument);
    long[] arguments = {descriptor, Integer.toUnsignedLong(request), argument};
    return record(
        FreeBsdCall.IOCTL, arguments, buffers, () -> host.ioctl(descriptor, request, argument));
  }

  private long run(int descriptor, int request, long argument) {
    List<Buffer> buffers = buffers(request, argument);
    synchronized (this) {
      mappings.values().forEach(it -> it.findChanges(writer, RecordingWriter.MONITOR_WROTE));
      running++;
      writer.hold();
    }
    long result = host.ioctl(descriptor, request, argument);
    synchronized (this) {
      List<byte[]> meanwhile = List.of();
      if (--running == 0) {
        meanwhile = writer.release();
      }
      boolean before = result < 0 || exitCode(buffers) == VmmExit.DEBUG;
      if (before) {
        writer.writeAll(meanwhile);
      }
      long[] arguments = {descriptor, Integer.toUnsignedLong(request), argument};
      writer.call(FreeBsdCall.IOCTL, arguments, buffers, result);
      mappings.values().forEach(it -> it.findChanges(writer, RecordingWriter.GUEST_WROTE));
      if (!before) {
        writer.writeAll(meanwhile);
      }
    }
    return result;
  }

  /** The exit is the last buffer, or in the only one. */
  private static int exitCode(List<Buffer> buffers) {
    MemorySegment last = buffers.getLast().bytes();
    return last.get(JAVA_INT, last.byteSize() - VmmRun.EXIT_BYTE_SIZE);
  }

  /** {@return the structure of a request, and what the structure points to} */
  private static List<Buffer> buffers(int request, long argument) {
    List<Buffer> buffers = new ArrayList<>();
    int byteSize = request >>> REQUEST_SIZE_SHIFT & REQUEST_SIZE;
    if (byteSize == 0) {
      return buffers;
    }
    int direction = ((request & COPIES_IN) != 0 ? IN : 0) | ((request & COPIES_OUT) != 0 ? OUT : 0);
    MemorySegment struct = Mapping.view(argument, byteSize);
    add(buffers, 2, struct, direction);
    if (request == VmmIoctl.RUN_14.code()) {
      long cpus = struct.get(JAVA_LONG, Fields.offset(VmmRun.LAYOUT_14, "cpusetsize"));
      addPointed(buffers, Fields.offset(VmmRun.LAYOUT_14, "cpuset"), cpus, IN | OUT);
      long exit = Fields.offset(VmmRun.LAYOUT_14, "vm_exit");
      addPointed(buffers, exit, VmmRun.EXIT_BYTE_SIZE, IN | OUT);
    }
    boolean set = request == VmmIoctl.SET_REGISTER_SET.code();
    if (set || request == VmmIoctl.GET_REGISTER_SET.code()) {
      int count = struct.get(JAVA_INT, Fields.offset(VmmRegisters.SET, "count"));
      long numbers = Fields.offset(VmmRegisters.SET, "regnums");
      addPointed(buffers, numbers, count * JAVA_INT.byteSize(), IN);
      long values = Fields.offset(VmmRegisters.SET, "regvals");
      addPointed(buffers, values, count * JAVA_LONG.byteSize(), set ? IN : OUT);
    }
    return buffers;
  }

  private static void addPointed(List<Buffer> buffers, long place, long byteSize, int direction) {
    long address = buffers.getFirst().bytes().get(JAVA_LONG, place);
    if (address != 0 && byteSize > 0) {
      buffers.add(Buffer.of(0, (int) place, Mapping.view(address, byteSize), direction));
    }
  }

  // Memory.

  @Override
  public synchronized long mmap(
      long byteSize, int protection, int flags, int descriptor, long offset) {
    long[] arguments = {0, byteSize, protection, flags, descriptor, offset};
    long address =
        record(
            FreeBsdCall.MMAP,
            arguments,
            List.of(),
            () -> host.mmap(byteSize, protection, flags, descriptor, offset));
    if (address >= 0 && descriptor >= 0) {
      long[] copy = new long[Math.toIntExact(byteSize / Long.BYTES)];
      mappings.put(
          address, new Watched(Mapping.view(address, byteSize), MemorySegment.ofArray(copy)));
    }
    return address;
  }

  @Override
  public synchronized long munmap(long address, long byteSize) {
    mappings.remove(address);
    long[] arguments = {address, byteSize};
    return record(FreeBsdCall.MUNMAP, arguments, List.of(), () -> host.munmap(address, byteSize));
  }

  @Override
  public long minherit(long address, long byteSize, int inheritance) {
    long[] arguments = {address, byteSize, inheritance};
    return record(
        FreeBsdCall.MINHERIT,
        arguments,
        List.of(),
        () -> host.minherit(address, byteSize, inheritance));
  }

  @Override
  public long madvise(long address, long byteSize, int advice) {
    long[] arguments = {address, byteSize, advice};
    return record(
        FreeBsdCall.MADVISE, arguments, List.of(), () -> host.madvise(address, byteSize, advice));
  }

  // Values of the kernel.

  @Override
  public long sysctl(
      MemorySegment name, MemorySegment value, MemorySegment valueByteSize, MemorySegment wanted) {
    List<Buffer> buffers = new ArrayList<>();
    add(buffers, 0, name, IN);
    add(buffers, 2, value, OUT);
    add(buffers, 3, valueByteSize, IN | OUT);
    add(buffers, 4, wanted, IN);
    long[] arguments = {
      name.address(),
      name.byteSize() - 1,
      value.address(),
      valueByteSize.address(),
      wanted.address(),
      wanted.byteSize()
    };
    return record(
        FreeBsdCall.SYSCTLBYNAME,
        arguments,
        buffers,
        () -> host.sysctl(name, value, valueByteSize, wanted));
  }

  // What waits, and what devices do.

  @Override
  public long eventfd() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment wish = arena.allocate(JAVA_INT, 2);
      wish.setAtIndex(JAVA_INT, 1, FreeBsdAbi.EFD_CLOEXEC | FreeBsdAbi.EFD_NONBLOCK);
      List<Buffer> buffers = new ArrayList<>();
      add(buffers, 1, wish, IN);
      long[] arguments = {EVENTFD, wish.address(), wish.byteSize()};
      return record(FreeBsdCall.SPECIALFD, arguments, buffers, host::eventfd);
    }
  }

  /** Without the lock: a read may wait. What is not filled is not recorded. */
  @Override
  public long read(int descriptor, MemorySegment buffer) {
    long result = host.read(descriptor, buffer);
    List<Buffer> buffers = new ArrayList<>();
    add(buffers, 1, buffer.asSlice(0, Math.max(result, 0)), OUT);
    long[] arguments = {descriptor, buffer.address(), buffer.byteSize()};
    return record(FreeBsdCall.READ, arguments, buffers, () -> result);
  }

  @Override
  public long write(int descriptor, MemorySegment buffer) {
    List<Buffer> buffers = new ArrayList<>();
    add(buffers, 1, buffer, IN);
    long result = host.write(descriptor, buffer);
    long[] arguments = {descriptor, buffer.address(), buffer.byteSize()};
    return record(FreeBsdCall.WRITE, arguments, buffers, () -> result);
  }

  @Override
  public long ppoll(MemorySegment descriptors, int count, MemorySegment timeout) {
    List<Buffer> buffers = new ArrayList<>();
    add(buffers, 0, descriptors, IN | OUT);
    add(buffers, 2, timeout, IN);
    long result = host.ppoll(descriptors, count, timeout);
    long[] arguments = {descriptors.address(), count, timeout.address()};
    return record(FreeBsdCall.PPOLL, arguments, buffers, () -> result);
  }

  @Override
  public long getpid() {
    return record(FreeBsdCall.GETPID, new long[0], List.of(), host::getpid);
  }

  // What is no call to the kernel.

  @Override
  public long setTimerSlack(long nanos) {
    return host.setTimerSlack(nanos);
  }

  @Override
  public int tryAgain() {
    return host.tryAgain();
  }

  @Override
  public String errnoName(int errno) {
    return host.errnoName(errno);
  }

  @Override
  public long gettid() {
    return host.gettid();
  }

  @Override
  public long tgkill(int thread, int signal) {
    return host.tgkill(thread, signal);
  }

  @Override
  public long sigaction(int signal, MemorySegment action, MemorySegment previous) {
    return host.sigaction(signal, action, previous);
  }

  @Override
  public long idleHandler() {
    return host.idleHandler();
  }

  @Override
  public long unblockSignals(MemorySegment set) {
    return host.unblockSignals(set);
  }
}
