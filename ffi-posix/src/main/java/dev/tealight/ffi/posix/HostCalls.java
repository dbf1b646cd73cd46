// SPDX-License-Identifier: ISC
package dev.tealight.ffi.posix;

import java.lang.foreign.MemorySegment;

/**
 * The system calls that Tealight makes, and no others. Tests replace it by a scripted kernel.
 *
 * <p>Every call returns the host's result, or the negated errno if it failed; none throws or
 * allocates. {@link Descriptor} and {@link Mapping} are the forms that throw. Segments are native,
 * and the caller keeps them open until the call returns: the host sees their bare address. Any
 * thread may call.
 */
public interface HostCalls {

  /**
   * {@return the calls of the operating system this JVM runs on}
   *
   * @throws UnsupportedOperationException if it is none we know; names those we do
   * @throws IllegalCallerException if the JVM denies native access; names the flag that grants it
   */
  static HostCalls system() {
    String os = System.getProperty("os.name");
    String arch = System.getProperty("os.arch");
    boolean freeBsd = os.equals("FreeBSD");
    if (!(freeBsd || os.equals("Linux")) || !arch.equals("amd64")) {
      throw new UnsupportedOperationException(
          "no system calls for %s on %s, only for Linux and FreeBSD on amd64".formatted(os, arch));
    }
    NativeAccess.check();
    return freeBsd ? new FreeBsdHostCalls() : new LinuxHostCalls();
  }

  /**
   * Opens a file, {@code O_CLOEXEC} added.
   *
   * @param path ended by a zero byte
   * @param flags {@code O_} flags of the host
   * @return a descriptor
   */
  long open(MemorySegment path, int flags);

  /**
   * Closes a descriptor.
   *
   * @param descriptor free afterwards even if the call fails, unless with {@code EBADF}
   * @return 0
   */
  long close(int descriptor);

  /**
   * Makes a device request.
   *
   * @param descriptor of the device
   * @param request code, zero-extended
   * @param argument a number, or an address
   * @return what the device answers
   */
  long ioctl(int descriptor, int request, long argument);

  /**
   * What {@link #hotIoctl} returns for a call that failed without telling why: no errno's negation.
   */
  long FAILED = Long.MIN_VALUE;

  /**
   * Makes a device request that is made over and over. To capture errno, the JDK allocates an
   * object for each call unless its best compiler has compiled it; this form need not capture it.
   *
   * @param descriptor of the device
   * @param request code, zero-extended, that may be repeated after a failure
   * @param argument a number, or an address
   * @return what the device answers, or {@link #FAILED}: then {@link #ioctl(int, int, long)}
   *     repeats the request and tells why
   */
  default long hotIoctl(int descriptor, int request, long argument) {
    return ioctl(descriptor, request, argument);
  }

  /**
   * Makes a device request with a structure.
   *
   * @param descriptor of the device
   * @param request code, zero-extended
   * @param argument the structure
   * @return what the device answers
   */
  long ioctl(int descriptor, int request, MemorySegment argument);

  /**
   * Reads bytes.
   *
   * @param descriptor where from
   * @param buffer filled from its start
   * @return how many bytes were read, 0 at the end
   */
  long read(int descriptor, MemorySegment buffer);

  /**
   * Writes bytes.
   *
   * @param descriptor where to
   * @param buffer written whole, if there is room
   * @return how many bytes were written
   */
  long write(int descriptor, MemorySegment buffer);

  /**
   * Reads bytes into a part of a segment, without making an object for the part.
   *
   * @param descriptor where from
   * @param segment that holds the part
   * @param offset of the part
   * @param byteSize of the part
   * @return how many bytes were read, 0 at the end
   * @throws IndexOutOfBoundsException if the part is not inside the segment
   */
  default long read(int descriptor, MemorySegment segment, long offset, long byteSize) {
    return read(descriptor, segment.asSlice(offset, byteSize));
  }

  /**
   * Writes a part of a segment, without making an object for the part.
   *
   * @param descriptor where to
   * @param segment that holds the part
   * @param offset of the part
   * @param byteSize of the part
   * @return how many bytes were written
   * @throws IndexOutOfBoundsException if the part is not inside the segment
   */
  default long write(int descriptor, MemorySegment segment, long offset, long byteSize) {
    return write(descriptor, segment.asSlice(offset, byteSize));
  }

  /**
   * Opens a socket, close-on-exec and non-blocking.
   *
   * @param family {@code AF_} value of the host
   * @param type {@code SOCK_} value of the host
   * @return a descriptor
   */
  default long socket(int family, int type) {
    return -LinuxAbi.ENOSYS;
  }

  /**
   * Connects a socket.
   *
   * @param descriptor of the socket
   * @param address a {@code struct sockaddr} of the socket's family
   * @return 0
   */
  default long connect(int descriptor, MemorySegment address) {
    return -LinuxAbi.ENOSYS;
  }

  /**
   * Maps memory.
   *
   * @param byteSize of the mapping
   * @param protection {@code PROT_} bits
   * @param flags {@code MAP_} bits
   * @param descriptor of what is mapped, or -1
   * @param offset in it
   * @return the address
   */
  long mmap(long byteSize, int protection, int flags, int descriptor, long offset);

  /**
   * Removes mappings.
   *
   * @param address first byte, page-aligned
   * @param byteSize number of bytes
   * @return 0
   */
  long munmap(long address, long byteSize);

  /**
   * Tells the host how memory will be used.
   *
   * @param address first byte, page-aligned
   * @param byteSize number of bytes
   * @param advice one {@code MADV_} value
   * @return 0
   */
  long madvise(long address, long byteSize, int advice);

  /**
   * Waits for descriptors.
   *
   * @param descriptors array of {@code pollfd}
   * @param count its length
   * @param timeout a {@code timespec}, or {@link MemorySegment#NULL} to wait for ever
   * @return how many are ready
   */
  long ppoll(MemorySegment descriptors, int count, MemorySegment timeout);

  /** {@return the descriptor of a new event counter of 0, close-on-exec and non-blocking} */
  long eventfd();

  /** {@return the number of the calling thread, for {@link #tgkill}} */
  long gettid();

  /**
   * Sends a signal to a thread of this process.
   *
   * @param thread its {@link #gettid}
   * @param signal number
   * @return 0
   */
  long tgkill(int thread, int signal);

  /**
   * Reads or sets what this process does on a signal.
   *
   * @param signal number
   * @param action a {@code struct sigaction} of the C library, or {@link MemorySegment#NULL}
   * @param previous filled likewise, or {@link MemorySegment#NULL}
   * @return 0
   */
  long sigaction(int signal, MemorySegment action, MemorySegment previous);

  /** {@return the address of a signal handler that does nothing} */
  long idleHandler();

  /**
   * Lets a signal through to the calling thread.
   *
   * @param set a {@code sigset_t} of 8 bytes with the signals to unblock
   * @return 0
   */
  long unblockSignals(MemorySegment set);

  /**
   * Asks for timers of the calling thread to fire on time.
   *
   * @param nanos how late they may be; 0 for the thread's default
   * @return 0
   */
  long setTimerSlack(long nanos);

  /**
   * {@return the name of an errno, for instance {@code EINVAL}}
   *
   * @param errno positive
   */
  String errnoName(int errno);

  /** {@return the host's number for {@code EAGAIN}: a call that would have to wait} */
  default int tryAgain() {
    return LinuxErrno.EAGAIN;
  }

  /**
   * Reads or sets a value of the kernel by its name. FreeBSD has this call.
   *
   * @param name ended by a zero byte
   * @param value filled with the present value, or {@link MemorySegment#NULL}
   * @param valueByteSize a {@code size_t}: how many bytes {@code value} has, then how many were
   *     filled; or {@link MemorySegment#NULL}
   * @param wanted the value to set, or {@link MemorySegment#NULL}
   * @return 0
   */
  default long sysctl(
      MemorySegment name, MemorySegment value, MemorySegment valueByteSize, MemorySegment wanted) {
    return -LinuxAbi.ENOSYS;
  }

  /**
   * Sets what a child process gets of a mapping. FreeBSD has this call.
   *
   * @param address first byte, page-aligned
   * @param byteSize number of bytes
   * @param inheritance one {@code INHERIT_} value
   * @return 0
   */
  default long minherit(long address, long byteSize, int inheritance) {
    return -LinuxAbi.ENOSYS;
  }

  /** {@return the number of this process, as the host's calls see it} */
  default long getpid() {
    return -LinuxAbi.ENOSYS;
  }

  /**
   * Gives up the right to gain privileges, and filters system calls, for all threads and for good.
   *
   * @param program a {@code struct sock_fprog}
   * @return 0, or the number of a thread that could not be filtered
   */
  default long confine(MemorySegment program) {
    return -LinuxAbi.ENOSYS;
  }
}
