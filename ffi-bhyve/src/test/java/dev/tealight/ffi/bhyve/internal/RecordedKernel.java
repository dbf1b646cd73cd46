// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.tealight.ffi.bhyve.internal.Recording.Buffer;
import dev.tealight.ffi.bhyve.internal.Recording.Call;
import dev.tealight.ffi.bhyve.internal.Recording.Entry;
import dev.tealight.ffi.bhyve.internal.Recording.Wrote;
import dev.tealight.ffi.posix.FreeBsdAbi;
import dev.tealight.ffi.posix.FreeBsdErrno;
import dev.tealight.ffi.posix.Mapping;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A kernel that gives what was recorded, of the model or of a real kernel, and wants the same calls
 * in the same order with the same bytes. For one thread.
 */
final class RecordedKernel extends FakeFreeBsd implements AutoCloseable {
  private static final String OUR_NAMES = "tealight-";

  private final Recording recording;
  private final Iterator<Entry> entries;
  private final Arena arena = Arena.ofShared();

  /** Guest memory by the recorded address. */
  private final TreeMap<Long, MemorySegment> mappings = new TreeMap<>();

  private @Nullable Entry next;
  private int number;

  /** The first thing that was other; whatever comes of it says nothing. */
  private @Nullable AssertionError failure;

  RecordedKernel(Recording recording) {
    this.recording = recording;
    entries = recording.entries().iterator();
    advance();
  }

  BhyveHost host() {
    return new BhyveHost(this, List::of, process -> true);
  }

  /** Checks that nothing is left of the recording. */
  @Override
  public void close() {
    if (failure == null) {
      applyUntilCall();
    }
    arena.close();
    if (failure == null && !(next instanceof Recording.End)) {
      throw failed("calls that were recorded were not made, from " + next);
    }
  }

  private AssertionError failed(String message) {
    if (failure == null) {
      failure = new AssertionError(message);
    }
    return failure;
  }

  private void advance() {
    next = entries.hasNext() ? entries.next() : null;
  }

  /** What the monitor wrote then it must have written by now. */
  private void applyUntilCall() {
    while (true) {
      switch (next) {
        case Wrote wrote -> apply(wrote);
        case Recording.Start _, Recording.Mark _ -> {}
        case null, default -> {
          return;
        }
      }
      advance();
    }
  }

  private void apply(Wrote wrote) {
    Map.Entry<Long, MemorySegment> mapping = mappings.floorEntry(wrote.address());
    MemorySegment bytes =
        mapping.getValue().asSlice(wrote.address() - mapping.getKey(), wrote.byteSize());
    byte[] recorded = recording.copy(wrote.at() + 24, wrote.byteSize());
    if (!wrote.byMonitor()) {
      bytes.copyFrom(MemorySegment.ofArray(recorded));
    } else if (!Arrays.equals(recorded, bytes.toArray(JAVA_BYTE))) {
      throw failed(
          "before call %d the monitor wrote other bytes at 0x%x"
              .formatted(number + 1, wrote.address() - mapping.getKey()));
    }
  }

  /** {@return the recorded call, which must be this one} */
  private Call call(int wanted, long... arguments) {
    if (failure != null) {
      throw new AssertionError(failure.getMessage(), failure);
    }
    applyUntilCall();
    number++;
    if (!(next instanceof Call call) || call.number() != wanted) {
      throw failed("call %d is %d, recorded is %s".formatted(number, wanted, next));
    }
    for (int i = 0; i < arguments.length; i++) {
      int argument = i;
      boolean pointer =
          call.buffers().stream().anyMatch(it -> it.parent() < 0 && it.place() == argument);
      if (!pointer && arguments[i] != call.arguments().get(i)) {
        throw failed(
            "argument %d of call %d is 0x%x, was 0x%x"
                .formatted(i, number, arguments[i], call.arguments().get(i)));
      }
    }
    advance();
    return call;
  }

  private long answer(Call call, List<MemorySegment> buffers) {
    for (int i = 0; i < call.buffers().size(); i++) {
      check(call, i, buffers.get(i));
    }
    for (int i = 0; i < call.buffers().size(); i++) {
      give(call, i, buffers.get(i));
    }
    return call.result();
  }

  private void check(Call call, int index, MemorySegment bytes) {
    Buffer buffer = call.buffers().get(index);
    if (bytes.byteSize() < buffer.byteSize()) {
      throw failed("buffer %d of call %d is too small".formatted(index, number));
    }
    if (buffer.before() < 0) {
      return;
    }
    byte[] recorded = recording.copy(buffer.before(), buffer.byteSize());
    boolean name = new String(recorded, StandardCharsets.ISO_8859_1).contains(OUR_NAMES);
    // What an exit holds before the run is left from the one before.
    boolean exit = call.isRun() && index == call.buffers().size() - 1;
    int size = exit ? buffer.byteSize() - (int) VmmRun.EXIT_BYTE_SIZE : buffer.byteSize();
    for (int at = 0; at < size && !name; at++) {
      if (!isPointer(call, index, at) && recorded[at] != bytes.get(JAVA_BYTE, at)) {
        throw failed(
            "byte %d of buffer %d of call %d (0x%x) is 0x%x, was 0x%x"
                .formatted(
                    at, index, number, call.request(), bytes.get(JAVA_BYTE, at), recorded[at]));
      }
    }
  }

  private void give(Call call, int index, MemorySegment bytes) {
    Buffer buffer = call.buffers().get(index);
    for (int at = 0; buffer.after() >= 0 && at < buffer.byteSize(); at++) {
      if (!isPointer(call, index, at)) {
        bytes.set(JAVA_BYTE, at, recording.copy(buffer.after() + at, 1)[0]);
      }
    }
  }

  private static boolean isPointer(Call call, int index, int at) {
    return call.buffers().stream()
        .anyMatch(it -> it.parent() == index && at >= it.place() && at < it.place() + Long.BYTES);
  }

  // The calls.

  @Override
  public long open(MemorySegment path, int flags) {
    Call call = call(FreeBsdCall.OPEN, 0, flags | FreeBsdAbi.O_CLOEXEC);
    return answer(call, List.of(path.asSlice(0, path.byteSize())));
  }

  @Override
  public long close(int descriptor) {
    return call(FreeBsdCall.CLOSE, descriptor).result();
  }

  @Override
  public long ioctl(int descriptor, int request, MemorySegment argument) {
    return ioctl(descriptor, request, argument.address());
  }

  @Override
  public long ioctl(int descriptor, int request, long argument) {
    Call call = call(FreeBsdCall.IOCTL, descriptor, Integer.toUnsignedLong(request));
    List<MemorySegment> buffers = new ArrayList<>();
    for (Buffer buffer : call.buffers()) {
      long address =
          buffer.parent() < 0
              ? argument
              : buffers.get(buffer.parent()).get(JAVA_LONG, buffer.place());
      buffers.add(Mapping.view(address, buffer.byteSize()));
    }
    long result = answer(call, buffers);
    while (call.isRun() && next instanceof Wrote wrote && !wrote.byMonitor()) {
      apply(wrote);
      advance();
    }
    return result;
  }

  @Override
  public long sysctl(
      MemorySegment name, MemorySegment value, MemorySegment valueByteSize, MemorySegment wanted) {
    Call call = call(FreeBsdCall.SYSCTLBYNAME, 0, name.byteSize() - 1);
    MemorySegment[] places = {name, null, value, valueByteSize, wanted};
    List<MemorySegment> buffers = new ArrayList<>();
    call.buffers().forEach(buffer -> buffers.add(places[buffer.place()]));
    return answer(call, buffers);
  }

  @Override
  public long mmap(long byteSize, int protection, int flags, int descriptor, long offset) {
    Call call = call(FreeBsdCall.MMAP, 0, byteSize, protection, flags, descriptor, offset);
    if (call.result() < 0) {
      return call.result();
    }
    MemorySegment memory = arena.allocate(byteSize, 4096);
    mappings.put(call.result(), memory);
    return memory.address();
  }

  private long recordedAddress(long address) {
    return mappings.entrySet().stream()
        .filter(entry -> entry.getValue().address() == address)
        .findFirst()
        .orElseThrow()
        .getKey();
  }

  @Override
  public long munmap(long address, long byteSize) {
    return call(FreeBsdCall.MUNMAP, recordedAddress(address), byteSize).result();
  }

  @Override
  public long minherit(long address, long byteSize, int inheritance) {
    return call(FreeBsdCall.MINHERIT, recordedAddress(address), byteSize, inheritance).result();
  }

  @Override
  public long eventfd() {
    return call(FreeBsdCall.SPECIALFD).result();
  }

  @Override
  public long read(int descriptor, MemorySegment buffer) {
    return answer(call(FreeBsdCall.READ, descriptor), List.of(buffer));
  }

  @Override
  public long write(int descriptor, MemorySegment buffer) {
    return answer(call(FreeBsdCall.WRITE, descriptor), List.of(buffer));
  }

  @Override
  public int tryAgain() {
    return FreeBsdErrno.EAGAIN;
  }

  // What no recording has.

  @Override
  public long ppoll(MemorySegment descriptors, int count, MemorySegment timeout) {
    throw new AssertionError("waiting is not repeated");
  }

  @Override
  public long setTimerSlack(long nanos) {
    return -FreeBsdErrno.ENOSYS;
  }
}
