// SPDX-License-Identifier: ISC
package dev.tealight.device.virtio;

import dev.tealight.ExitFrame;
import dev.tealight.ExitKind;
import dev.tealight.GuestMemory;
import dev.tealight.device.GuestCall;
import dev.tealight.device.InterruptLine;
import dev.tealight.device.Outcome;
import dev.tealight.device.PciBus;
import dev.tealight.device.PciFunction;

/**
 * The registers of a legacy virtio device on the PCI bus, with its queues. A subclass is the
 * device: it serves notifications and knows the configuration.
 *
 * <table>
 *   <caption>Ports</caption>
 *   <tr><th>Offset</th><th>Bytes</th><th>Meaning</th></tr>
 *   <tr><td>0</td><td>4</td><td>features that the device offers</td></tr>
 *   <tr><td>4</td><td>4</td><td>features that the driver takes</td></tr>
 *   <tr><td>8</td><td>4</td><td>page of the selected queue</td></tr>
 *   <tr><td>12</td><td>2</td><td>size of the selected queue</td></tr>
 *   <tr><td>14</td><td>2</td><td>queue that is selected</td></tr>
 *   <tr><td>16</td><td>2</td><td>notification: number of a queue</td></tr>
 *   <tr><td>18</td><td>1</td><td>status; 0 resets</td></tr>
 *   <tr><td>19</td><td>1</td><td>what the interrupt is for; reading clears it</td></tr>
 *   <tr><td>20</td><td></td><td>the device's configuration</td></tr>
 * </table>
 *
 * Accesses of another width than a register's read as ones and write nothing.
 *
 * @see "Virtual I/O Device (VIRTIO) Version 1.2, 4.1.4.10"
 */
public abstract class LegacyFunction implements PciFunction {
  private static final int VENDOR = 0x1af4;

  /** Transitional devices have this number less one, plus their type. */
  private static final int FIRST_DEVICE = 0x1000;

  private static final int PORT_COUNT = 64;
  private static final int DEVICE_FEATURES = 0;
  private static final int DRIVER_FEATURES = 4;
  private static final int QUEUE_PAGE = 8;
  private static final int QUEUE_SIZE = 12;
  private static final int QUEUE_SELECT = 14;
  private static final int QUEUE_NOTIFY = 16;
  private static final int STATUS = 18;
  private static final int INTERRUPT_STATUS = 19;
  private static final int CONFIGURATION = 20;

  private static final int DRIVER_OK = 1 << 2;
  private static final int QUEUE_INTERRUPT = 1;

  private final Identity identity;
  private final int offeredFeatures;
  private final Virtqueue[] queues;
  private final long[] pages;
  private InterruptLine line = asserted -> {};
  private int driverFeatures;
  private int selected;
  private int status;
  private int interruptStatus;

  /**
   * Creates a device that is on no bus yet.
   *
   * @param memory of the guest
   * @param type of the device: 1 network, 2 block, and so on
   * @param classCode of PCI, 24 bits
   * @param features offered to the driver
   * @param queueCount how many queues it has, at least 1
   */
  protected LegacyFunction(
      GuestMemory memory, int type, int classCode, int features, int queueCount) {
    identity = new Identity(VENDOR, FIRST_DEVICE - 1 + type, type, classCode);
    offeredFeatures = features;
    queues = new Virtqueue[queueCount];
    pages = new long[queueCount];
    for (int i = 0; i < queueCount; i++) {
      queues[i] = new Virtqueue(memory, Virtqueue.DEFAULT_SIZE);
    }
  }

  /**
   * Puts it on a bus.
   *
   * @param owner for messages
   * @param bus where it goes
   */
  public final void attach(String owner, PciBus bus) {
    line = bus.attach(owner, this);
  }

  /**
   * Serves a notification, once the driver is ready.
   *
   * @param call the request
   * @param queue which one has something
   * @return what the run loop does next; after {@link Outcome#WAIT} it calls {@link #resume}
   */
  protected abstract Outcome notified(GuestCall call, int queue);

  /**
   * {@return a byte of the configuration, 0 to 255}
   *
   * @param offset in it, 0 to 43
   */
  protected abstract int configuration(int offset);

  /** Called when the driver has become ready. */
  protected void driverReady() {}

  /** {@return whether the driver is ready; before, buffers may be offered but not used} */
  protected final boolean isDriverReady() {
    return (status & DRIVER_OK) != 0;
  }

  /** {@return the features that were offered and taken} */
  protected final int features() {
    return offeredFeatures & driverFeatures;
  }

  /**
   * {@return a queue}
   *
   * @param index which one
   */
  protected final Virtqueue queue(int index) {
    return queues[index];
  }

  /**
   * Tells the driver that chains of a queue were completed, if it wants to know.
   *
   * @param queue which one
   */
  protected final void completed(Virtqueue queue) {
    if (queue.wantsInterrupt()) {
      interruptStatus |= QUEUE_INTERRUPT;
      line.set(true);
    }
  }

  @Override
  public final Identity identity() {
    return identity;
  }

  @Override
  public final int portCount() {
    return PORT_COUNT;
  }

  @Override
  public final Outcome handle(GuestCall call) {
    ExitFrame exit = call.exit();
    int offset = (int) exit.address() & (PORT_COUNT - 1);
    if (exit.kind() == ExitKind.IO_READ) {
      exit.complete(read(offset, exit.width()));
      return Outcome.CONTINUE;
    }
    return write(call, offset, exit.width(), (int) exit.value());
  }

  private long read(int offset, int width) {
    if (offset >= CONFIGURATION) {
      long value = 0;
      for (int i = 0; i < width; i++) {
        int at = offset + i - CONFIGURATION;
        value |= (at < PORT_COUNT - CONFIGURATION ? configuration(at) & 0xffL : 0) << (8 * i);
      }
      return value;
    }
    if (width != widthOf(offset)) {
      return -1;
    }
    return switch (offset) {
      case DEVICE_FEATURES -> offeredFeatures;
      case DRIVER_FEATURES -> driverFeatures;
      case QUEUE_PAGE -> selected < queues.length ? pages[selected] : 0;
      case QUEUE_SIZE -> selected < queues.length ? queues[selected].size() : 0;
      case QUEUE_SELECT -> selected;
      case STATUS -> status;
      case INTERRUPT_STATUS -> takeInterruptStatus();
      default -> 0;
    };
  }

  private static int widthOf(int offset) {
    return switch (offset) {
      case DEVICE_FEATURES, DRIVER_FEATURES, QUEUE_PAGE -> 4;
      case QUEUE_SIZE, QUEUE_SELECT, QUEUE_NOTIFY -> 2;
      case STATUS, INTERRUPT_STATUS -> 1;
      default -> 0;
    };
  }

  private int takeInterruptStatus() {
    int value = interruptStatus;
    interruptStatus = 0;
    line.set(false);
    return value;
  }

  private Outcome write(GuestCall call, int offset, int width, int value) {
    if (offset >= CONFIGURATION || width != widthOf(offset)) {
      return Outcome.CONTINUE;
    }
    switch (offset) {
      case DRIVER_FEATURES -> driverFeatures = value;
      case QUEUE_SELECT -> selected = value;
      case QUEUE_PAGE -> place(Integer.toUnsignedLong(value));
      case QUEUE_NOTIFY -> {
        if (value < queues.length && isDriverReady()) {
          return notified(call, value);
        }
      }
      case STATUS -> changeStatus(value);
      default -> {}
    }
    return Outcome.CONTINUE;
  }

  private void place(long page) {
    if (selected < queues.length) {
      pages[selected] = page;
      queues[selected].place(page * GuestMemory.PAGE_BYTE_SIZE);
    }
  }

  /** Drivers write the bits one after the other, some without repeating the earlier ones. */
  private void changeStatus(int value) {
    boolean wasReady = isDriverReady();
    status = value;
    if (value == 0) {
      driverFeatures = 0;
      selected = 0;
      takeInterruptStatus();
      for (int i = 0; i < queues.length; i++) {
        pages[i] = 0;
        queues[i].place(0);
      }
    } else if (isDriverReady() && !wasReady) {
      driverReady();
    }
  }
}
