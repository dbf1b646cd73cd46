// SPDX-License-Identifier: ISC
package dev.tealight.device.net;

import dev.tealight.ConfigurationException;
import dev.tealight.ReadinessSource;
import dev.tealight.device.FrameLink;
import dev.tealight.device.MacAddress;
import dev.tealight.device.net.internal.Conditioner;
import dev.tealight.device.net.internal.FairQueue;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A port of a {@link VirtualSwitch}, where one guest or {@link SwitchEndpoint} at a time is plugged
 * in. Frames of a guest whose source is not its own address are refused, unless {@link
 * #allowAnySource} was called. Any thread.
 */
public final class SwitchPort implements FrameLink.Opener {
  private static final long GROUP = 0x0100_0000_0000L;

  private final VirtualSwitch network;
  private final String name;
  private final int lane;
  private final int queueByteSize;
  private final Counts counts = new Counts();
  private volatile boolean anySource;
  private volatile int mtu = NetConfig.DEFAULT_MTU;
  private volatile @Nullable Conditioner conditioner;
  private volatile @Nullable Plug plugged;
  volatile boolean part;

  private static final class Counts {
    final AtomicLong sentFrames = new AtomicLong();
    final AtomicLong sentBytes = new AtomicLong();
    final AtomicLong receivedFrames = new AtomicLong();
    final AtomicLong receivedBytes = new AtomicLong();
    final AtomicLong refused = new AtomicLong();
    final AtomicLong dropped = new AtomicLong();
    final AtomicLong lost = new AtomicLong();
  }

  SwitchPort(VirtualSwitch network, String name, int lane, int queueByteSize) {
    this.network = network;
    this.name = name;
    this.lane = lane;
    this.queueByteSize = queueByteSize;
  }

  /** {@return its name} */
  public String name() {
    return name;
  }

  /**
   * Lets whoever is plugged in send frames with any source address, as a bridge does.
   *
   * @return this port
   */
  public SwitchPort allowAnySource() {
    anySource = true;
    return this;
  }

  /**
   * Sets the MTU for those that are plugged in from now on; 1500 bytes unless called.
   *
   * @param byteSize 68 to 65521; frames of any size pass
   * @return this port
   */
  public SwitchPort mtu(int byteSize) {
    var _ = NetConfig.of(this).mtu(byteSize);
    mtu = byteSize;
    return this;
  }

  /**
   * Sets what happens to frames on their way to this port, from now on. Those that are late by
   * earlier conditions are lost.
   *
   * @param conditions {@link LinkConditions#PERFECT} unless called
   * @return this port
   */
  public synchronized SwitchPort conditions(LinkConditions conditions) {
    Conditioner earlier = conditioner;
    if (earlier != null) {
      earlier.close();
    }
    conditioner =
        conditions.equals(LinkConditions.PERFECT)
            ? null
            : new Conditioner(conditions, network::clock, queueByteSize, new Arrival());
    return this;
  }

  /** {@return what it has carried so far} */
  public PortCounters counters() {
    return new PortCounters(
        counts.sentFrames.get(),
        counts.sentBytes.get(),
        counts.receivedFrames.get(),
        counts.receivedBytes.get(),
        counts.refused.get(),
        counts.dropped.get(),
        counts.lost.get());
  }

  /**
   * {@return a Java program's end of this port, which the caller closes} It may use any source
   * address.
   *
   * @throws ConfigurationException if the port is in use
   * @throws IllegalStateException if the switch is closed
   */
  public SwitchEndpoint endpoint() {
    Plug plug = plug(null);
    if (plug == null) {
      throw network.isClosed()
          ? new IllegalStateException(VirtualSwitch.CLOSED)
          : new ConfigurationException(inUse());
    }
    return new SwitchEndpoint(plug, plug.queue);
  }

  @Override
  public FrameLink open(MacAddress guest) throws IOException {
    Plug plug = plug(guest);
    if (plug == null) {
      throw new IOException(network.isClosed() ? VirtualSwitch.CLOSED : inUse());
    }
    return plug;
  }

  private String inUse() {
    return "port %s of the switch is in use: give each guest a port of its own".formatted(name);
  }

  private synchronized @Nullable Plug plug(@Nullable MacAddress guest) {
    if (network.isClosed() || plugged != null) {
      return null;
    }
    Plug plug = new Plug(guest);
    plugged = plug;
    return plug;
  }

  @SuppressWarnings("ReferenceEquality") // of this plug, not of another
  private synchronized void unplug(Plug plug) {
    if (plugged == plug) {
      plugged = null;
      network.addresses.forget(this);
    }
    plug.queue.close();
  }

  /**
   * Synchronized, so that whoever plugs in meanwhile is unplugged or has seen the switch closed.
   */
  synchronized void unplug() {
    Plug plug = plugged;
    if (plug != null) {
      unplug(plug);
    }
  }

  int lane() {
    return lane;
  }

  boolean takesFrom(SwitchPort other) {
    return !equals(other) && part == other.part;
  }

  /**
   * Takes a frame from another port, in the thread of its sender.
   *
   * @return false if it found no room at a receiver that is at work
   */
  boolean pass(int sender, byte[] frame, int byteSize) {
    Conditioner conditioned = conditioner;
    if (conditioned == null) {
      return deliver(sender, frame, byteSize);
    }
    conditioned.pass(sender, frame, byteSize);
    return true;
  }

  private boolean deliver(int sender, byte[] frame, int byteSize) {
    Plug plug = plugged;
    if (plug == null) {
      return true;
    }
    if (plug.queue.offer(sender, frame, byteSize)) {
      counts.receivedFrames.getAndIncrement();
      counts.receivedBytes.getAndAdd(byteSize);
      return true;
    }
    counts.dropped.getAndIncrement();
    return !plug.queue.wasTakenFrom();
  }

  private final class Arrival implements Conditioner.Target {
    @Override
    public void deliver(int sender, byte[] frame, int byteSize) {
      boolean _ = SwitchPort.this.deliver(sender, frame, byteSize);
    }

    @Override
    public void lose() {
      counts.lost.getAndIncrement();
    }

    @Override
    public void drop() {
      counts.dropped.getAndIncrement();
    }
  }

  /** The end of whoever is plugged in. */
  private final class Plug implements FrameLink {
    final FairQueue queue = new FairQueue(queueByteSize);
    private final @Nullable MacAddress guest;
    private final byte[] frame = new byte[MAX_FRAME_BYTE_SIZE];
    private final int plugMtu = mtu;

    Plug(@Nullable MacAddress guest) {
      this.guest = guest;
    }

    @Override
    public int mtu() {
      return plugMtu;
    }

    @Override
    @SuppressWarnings("ReferenceEquality") // this plug, not another
    public void send(MemorySegment memory, long offset, int byteSize) throws IOException {
      if (plugged != this) {
        throw new IOException(
            network.isClosed() ? VirtualSwitch.CLOSED : "port %s was left".formatted(name));
      }
      // The copy is what is looked at and what is sent: the guest may change its own meanwhile.
      MemorySegment.copy(memory, ValueLayout.JAVA_BYTE, offset, frame, 0, byteSize);
      long source = address(MacAddress.BYTE_SIZE);
      boolean own = guest == null || anySource || guest.bits() == source;
      if (!own || (source & GROUP) != 0) {
        counts.refused.getAndIncrement();
        return;
      }
      counts.sentFrames.getAndIncrement();
      counts.sentBytes.getAndAdd(byteSize);
      network.addresses.learn(source, SwitchPort.this);
      if (!network.forward(SwitchPort.this, address(0), frame, byteSize)) {
        makeWay();
      }
    }

    /** To send on would only lose more, perhaps on the processor that the receiver needs. */
    @SuppressWarnings("ThreadPriorityCheck") // a hint: nothing depends on it
    private static void makeWay() {
      Thread.yield();
    }

    private long address(int at) {
      long bits = 0;
      for (int i = 0; i < MacAddress.BYTE_SIZE; i++) {
        bits = (bits << 8) | (frame[at + i] & 0xff);
      }
      return bits;
    }

    @Override
    public int receive(MemorySegment memory, long offset, int byteSize) {
      return queue.poll(memory, offset, byteSize);
    }

    @Override
    public ReadinessSource readiness() {
      return queue;
    }

    @Override
    public void close() {
      unplug(this);
    }
  }

  @Override
  public String toString() {
    return "port %s of a switch".formatted(name);
  }
}
