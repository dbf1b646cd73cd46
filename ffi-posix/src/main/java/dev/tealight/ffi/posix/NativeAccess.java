// SPDX-License-Identifier: ISC
package dev.tealight.ffi.posix;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * Every restricted call of the project. A wrong argument here corrupts the JVM, so each says why
 * its arguments are right.
 */
@SuppressWarnings("restricted")
final class NativeAccess {

  /** Where a call leaves its errno. */
  static final MemoryLayout ERRNO_LAYOUT = Linker.Option.captureStateLayout();

  private static final long ERRNO_OFFSET =
      ERRNO_LAYOUT.byteOffset(PathElement.groupElement("errno"));

  private NativeAccess() {}

  /**
   * Checks that this module may call native code.
   *
   * @throws IllegalCallerException if the JVM denies it; names the flag that grants it
   */
  static void check() {
    try {
      // SAFETY: a segment of no bytes gives access to nothing.
      MemorySegment.NULL.reinterpret(0);
    } catch (IllegalCallerException e) {
      throw new IllegalCallerException(
          "the JVM denies native access to %s: start it with %s".formatted(who(), flag()), e);
    }
  }

  /** {@return whether the JVM was told to grant native access, so that it will not warn} */
  static boolean isGranted() {
    return NativeAccess.class.getModule().isNativeAccessEnabled();
  }

  /** {@return the flag of the JVM that grants native access} */
  static String flag() {
    Module module = NativeAccess.class.getModule();
    return "--enable-native-access=" + (module.isNamed() ? module.getName() : "ALL-UNNAMED");
  }

  private static String who() {
    Module module = NativeAccess.class.getModule();
    return module.isNamed() ? "module " + module.getName() : "the class path";
  }

  /**
   * {@return a function of the C library as {@code long f(errno, long x 7)}}
   *
   * @param name one that takes at most seven arguments, all of them integers or pointers
   */
  static MethodHandle link(String name) {
    return link(name, Linker.Option.captureCallState("errno"));
  }

  /**
   * {@return a function of the C library as {@code long f(long x 7)}}
   *
   * @param name one that takes at most seven arguments, all of them integers or pointers
   */
  static MethodHandle linkWithoutErrno(String name) {
    return link(name, new Linker.Option[0]);
  }

  /**
   * {@return a function of the C library as {@code long f(errno, long x 7)}}
   *
   * @param name one that takes two arguments and then, as the caller wishes, more of them, all of
   *     them integers or pointers
   */
  static MethodHandle linkVariadic(String name) {
    return link(name, Linker.Option.captureCallState("errno"), Linker.Option.firstVariadicArg(2));
  }

  /**
   * {@return a function of the C library as {@code long f(long x 7)}}
   *
   * @param name as for {@link #linkVariadic}
   */
  static MethodHandle linkVariadicWithoutErrno(String name) {
    return link(name, Linker.Option.firstVariadicArg(2));
  }

  private static MethodHandle link(String name, Linker.Option... options) {
    Linker linker = Linker.nativeLinker();
    ValueLayout.OfLong word = ValueLayout.JAVA_LONG;
    // SAFETY: integers and pointers travel in 64-bit registers, six of them, then on the stack, in
    // this caller's and the callee's view alike; a callee ignores what it has no parameter for.
    // So few shapes for all calls, because each further one costs milliseconds at start.
    return linker.downcallHandle(
        linker.defaultLookup().findOrThrow(name),
        FunctionDescriptor.of(word, word, word, word, word, word, word, word),
        options);
  }

  /**
   * {@return the address of a function of the C library}
   *
   * @param name its name
   */
  static long functionAddress(String name) {
    return Linker.nativeLinker().defaultLookup().findOrThrow(name).address();
  }

  /**
   * {@return the address to give to a call; the caller keeps the segment reachable meanwhile}
   *
   * @param segment of native memory
   * @throws IllegalArgumentException if it is on the Java heap
   */
  static long address(MemorySegment segment) {
    if (!segment.isNative()) {
      throw new IllegalArgumentException("the host cannot see a segment on the Java heap");
    }
    return segment.address();
  }

  /**
   * {@return the address of a part of a segment, as {@link #address(MemorySegment)}}
   *
   * @param segment of native memory
   * @param offset of the part, in bytes
   * @param byteSize of the part
   * @throws IndexOutOfBoundsException if the part is not within the segment
   */
  static long address(MemorySegment segment, long offset, long byteSize) {
    return address(segment) + Objects.checkFromIndexSize(offset, byteSize, segment.byteSize());
  }

  /**
   * {@return the negated errno of a call that failed}
   *
   * @param state what the call left, of {@link #ERRNO_LAYOUT}
   */
  static long failure(MemorySegment state) {
    return -state.get(ValueLayout.JAVA_INT, ERRNO_OFFSET);
  }

  /**
   * {@return what to throw for what a downcall threw} The linker declares {@link Throwable}, but a
   * downcall throws nothing checked.
   *
   * @param thrown by the downcall
   */
  static RuntimeException unexpected(Throwable thrown) {
    if (thrown instanceof RuntimeException known) {
      return known;
    }
    if (thrown instanceof Error error) {
      throw error;
    }
    throw new AssertionError(thrown);
  }

  /**
   * Gives a mapping the lifetime of an arena.
   *
   * @param address of a mapping that nobody else frees
   * @param byteSize of the mapping
   * @param arena that will own it
   * @param unmap called when the arena closes
   * @return the mapping
   */
  static MemorySegment adopt(
      long address, long byteSize, Arena arena, Consumer<MemorySegment> unmap) {
    // SAFETY: the host just returned this address for a mapping of this size, and from here on only
    // the arena unmaps it, after the last access through it.
    return MemorySegment.ofAddress(address).reinterpret(byteSize, arena, unmap);
  }

  /** {@return memory that a call to the host was given by its address} */
  static MemorySegment view(long address, long byteSize) {
    // SAFETY: the caller is about to let the host use these bytes, or the host just mapped them, so
    // that they are there as long as the call or the mapping is.
    return MemorySegment.ofAddress(address).reinterpret(byteSize);
  }
}
