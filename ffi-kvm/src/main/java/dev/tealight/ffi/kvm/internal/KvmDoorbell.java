// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import dev.tealight.ffi.posix.Descriptor;
import dev.tealight.ffi.posix.HostCalls;
import dev.tealight.spi.Doorbells.Doorbell;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** An event counter that KVM rings when the guest writes to a port. */
final class KvmDoorbell implements Doorbell {
  private static final int WIDTH = 4;

  private final HostCalls host;
  private final Descriptor vm;
  private final Descriptor event;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment counter = arena.allocate(ValueLayout.JAVA_LONG);
  private final int port;
  private boolean closed;

  static KvmDoorbell create(HostCalls host, Descriptor vm, int port) {
    Descriptor event = Descriptor.event(host);
    try {
      assign(vm, port, event, 0);
    } catch (RuntimeException e) {
      event.close();
      throw e;
    }
    return new KvmDoorbell(host, vm, event, port);
  }

  private KvmDoorbell(HostCalls host, Descriptor vm, Descriptor event, int port) {
    this.host = host;
    this.vm = vm;
    this.event = event;
    this.port = port;
  }

  private static void assign(Descriptor vm, int port, Descriptor event, int flags) {
    KvmIoeventfd doorbell = new KvmIoeventfd(port, WIDTH, event.number(), KvmIoeventfd.PIO | flags);
    try (Arena arena = Arena.ofConfined()) {
      vm.ioctl(KvmIoctl.IOEVENTFD, doorbell.toNative(arena), doorbell);
    }
  }

  @Override
  public int descriptor() {
    return event.number();
  }

  @Override
  public void acknowledge() {
    // EAGAIN: nobody rang.
    long _ = host.read(event.number(), counter);
  }

  /** Harmless if repeated, and after the VM was closed, which forgets its doorbells. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    try {
      if (vm.isOpen()) {
        assign(vm, port, event, KvmIoeventfd.DEASSIGN);
      }
    } finally {
      event.close();
      arena.close();
    }
  }
}
