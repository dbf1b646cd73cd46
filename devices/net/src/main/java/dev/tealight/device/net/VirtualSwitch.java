// SPDX-License-Identifier: ISC
package dev.tealight.device.net;

import dev.tealight.ConfigurationException;
import dev.tealight.device.net.internal.MacTable;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import org.jspecify.annotations.Nullable;

/**
 * An Ethernet switch in the JVM, for guests and Java programs. It learns which addresses are behind
 * which port; frames to groups and to unknown addresses go to all other ports. Needs no privilege
 * and no thread, but for frames that {@link LinkConditions} delay. Any thread.
 */
public final class VirtualSwitch implements AutoCloseable {

  /**
   * Bytes of frames that wait for a receiver at most, unless a port says otherwise: 2 MiB, so that
   * one sender can have about as many frames there as in the queue of a tap.
   */
  public static final int DEFAULT_QUEUE_BYTE_SIZE = 2 << 20;

  private static final int MIN_QUEUE_BYTE_SIZE = 128 * 1024;
  private static final int MAX_QUEUE_BYTE_SIZE = 1 << 30;

  static final String CLOSED = "the switch is closed";

  private final List<SwitchPort> ports = new CopyOnWriteArrayList<>();
  final MacTable<SwitchPort> addresses = new MacTable<>();
  private @Nullable ScheduledThreadPoolExecutor clock;
  private volatile boolean closed;

  /** Creates a switch without ports. */
  public VirtualSwitch() {}

  /**
   * Adds a port, for one guest or program at a time.
   *
   * @param name unique in this switch
   * @return the port
   * @throws ConfigurationException if there is a port of that name
   * @throws IllegalStateException if the switch is closed
   */
  public SwitchPort port(String name) {
    return port(name, DEFAULT_QUEUE_BYTE_SIZE);
  }

  /**
   * Adds a port, for one guest or program at a time.
   *
   * @param name unique in this switch
   * @param queueByteSize how many bytes of frames wait for its receiver at most, 128 KiB to 1 GiB;
   *     taken from the heap as frames wait, and kept until the port is left
   * @return the port
   * @throws ConfigurationException if there is a port of that name, or the size cannot be
   * @throws IllegalStateException if the switch is closed
   */
  public synchronized SwitchPort port(String name, int queueByteSize) {
    if (queueByteSize < MIN_QUEUE_BYTE_SIZE || queueByteSize > MAX_QUEUE_BYTE_SIZE) {
      throw new ConfigurationException(
          "queue of %d bytes for port %s: give from %d to %d"
              .formatted(queueByteSize, name, MIN_QUEUE_BYTE_SIZE, MAX_QUEUE_BYTE_SIZE));
    }
    if (closed) {
      throw new IllegalStateException(CLOSED);
    }
    for (SwitchPort port : ports) {
      if (port.name().equals(name)) {
        throw new ConfigurationException("the switch has a port %s already".formatted(name));
      }
    }
    SwitchPort port = new SwitchPort(this, name, ports.size(), queueByteSize);
    ports.add(port);
    return port;
  }

  /** {@return the ports, in the order in which they were added} */
  public List<SwitchPort> ports() {
    return List.copyOf(ports);
  }

  /**
   * Cuts the network in two: frames pass between the named ports, and between the others, but not
   * from one part to the other. Replaces an earlier cut.
   *
   * @param part names of the ports of one part
   */
  public void partition(Set<String> part) {
    for (SwitchPort port : ports) {
      port.part = part.contains(port.name());
    }
  }

  /** Takes the cut back. */
  public void heal() {
    partition(Set.of());
  }

  /**
   * Ends what is under way, for good: ports that are in use carry no more frames, and nothing can
   * be plugged in any more. Harmless if repeated.
   */
  @Override
  public void close() {
    ScheduledExecutorService running;
    synchronized (this) {
      closed = true;
      running = clock;
    }
    if (running != null) {
      running.shutdownNow();
    }
    ports.forEach(SwitchPort::unplug);
  }

  boolean isClosed() {
    return closed;
  }

  /**
   * Hands a frame to whom it is for.
   *
   * @return false if it found no room at a receiver that is at work
   */
  boolean forward(SwitchPort from, long destination, byte[] frame, int byteSize) {
    boolean group = ((destination >>> 40) & 1) != 0;
    SwitchPort known = group ? null : addresses.find(destination);
    if (known != null) {
      return !known.takesFrom(from) || known.pass(from.lane(), frame, byteSize);
    }
    boolean taken = true;
    for (int i = 0; i < ports.size(); i++) { // an iterator would be an object
      SwitchPort port = ports.get(i);
      if (port.takesFrom(from)) {
        taken &= port.pass(from.lane(), frame, byteSize);
      }
    }
    return taken;
  }

  synchronized ScheduledThreadPoolExecutor clock() {
    if (clock == null) {
      clock =
          new ScheduledThreadPoolExecutor(
              1, Thread.ofPlatform().daemon().name("switch-delays").factory());
      clock.setRemoveOnCancelPolicy(true);
      if (closed) {
        clock.shutdown();
      }
    }
    return clock;
  }
}
