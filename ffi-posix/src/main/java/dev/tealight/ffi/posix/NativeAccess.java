// SPDX-License-Identifier: ISC
package dev.tealight.ffi.posix;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.function.Consumer;

/**
 * Every restricted call of the project. A wrong argument here corrupts the JVM, so each says why
 * its arguments are right.
 */
@SuppressWarnings("restricted")
final class NativeAccess {

  /** Where a call leaves its errno. */
  static final MemoryLayout ERRNO_LAYOUT = Linker.Option.captureStateLayout();

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
  static long address(String name) {
    return Linker.nativeLinker().defaultLookup().findOrThrow(name).address();
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
}
