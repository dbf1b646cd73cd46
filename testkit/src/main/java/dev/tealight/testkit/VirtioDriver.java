// SPDX-License-Identifier: ISC

package dev.tealight.testkit;

import dev.tealight.Entropy;
import dev.tealight.GuestAccessException;
import dev.tealight.GuestMemory;
import dev.tealight.Protection;
import dev.tealight.ReadinessSource;
import dev.tealight.Region;
import dev.tealight.TimeSource;
import dev.tealight.device.DeviceContext;
import dev.tealight.device.DeviceHypercall;
import dev.tealight.device.FrameTransfer;
import dev.tealight.device.GuestCallHandler;
import dev.tealight.device.GuestCallRegistry;
import dev.tealight.device.InterruptLine;
import dev.tealight.device.PciBus;
import dev.tealight.device.PciFunction;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * The guest's side of a legacy virtio device in the hands of a test: memory with queues, a driver,
 * an interrupt line. It is the {@link DeviceContext} and the {@link PciBus} of one device, whose
 * requests are served before the method that makes them returns. One thread at a time.
 *
 * <p>What the device throws for a mistake of its guest, a {@link GuestAccessException}, comes out
 * of the method that made the request.
 */
public final class VirtioDriver implements DeviceContext, PciBus {

  /** Bytes of guest memory. */
  public static final int MEMORY_BYTE_SIZE = 1 << 20;

  /** Where memory begins that the guest must not write, up to the end. */
  public static final int READ_ONLY = 0xc0000;

  /** Where the first queue is; the others follow, {@link #QUEUE_BYTE_SIZE} apart. */
  public static final int QUEUE = 0x10000;

  /** Bytes from one queue to the next. */
  public static final int QUEUE_BYTE_SIZE = 0x4000;

  /** Descriptors of a queue. */
  public static final int QUEUE_SIZE = 256;

  /** Flag of a descriptor: another one follows. */
  public static final int NEXT = 1;

  /** Flag of a descriptor: the device writes the buffer. */
  public static final int WRITABLE = 1 << 1;

  private static final int AVAILABLE = 16 * QUEUE_SIZE;
  private static final int USED = 0x2000;
  private static final int PORTS = 0xc040;
  private static final int PORT_COUNT = 64;

  private static final int QUEUE_PAGE = 8;
  private static final int QUEUE_SELECT = 14;
  private static final int QUEUE_NOTIFY = 16;
  private static final int STATUS = 18;
  private static final int ACKNOWLEDGED = 1 | 1 << 1;
  private static final int DRIVER_OK = 1 << 2;
  private static final int[] WIDTHS = {1, 2, 4};

  private final GuestMemory memory =
      GuestMemory.over(Arena.ofAuto().allocate(MEMORY_BYTE_SIZE, Long.BYTES));
  private final List<String> hostFailures = new ArrayList<>();
  private final List<ReadinessSource> readiness = new ArrayList<>();
  private @Nullable PciFunction function;
  private @Nullable GuestPorts ports; // the function's
  private boolean interrupted;

  /** Creates a guest that has no device yet. */
  public VirtioDriver() {
    memory.restrict(
        List.of(new Region(READ_ONLY, MEMORY_BYTE_SIZE - READ_ONLY, Protection.READ_ONLY)));
  }

  @Override
  public InterruptLine attach(String owner, PciFunction attached) {
    if (function != null) {
      throw new IllegalStateException(
          "a driver has one device, but %s is another".formatted(owner));
    }
    function = attached;
    ports = new GuestPorts(memory, attached);
    return asserted -> interrupted = asserted;
  }

  private GuestPorts ports() {
    return Objects.requireNonNull(ports, "no device is attached");
  }

  /** {@return whether the device asks for an interrupt} */
  public boolean isInterrupted() {
    return interrupted;
  }

  /** {@return how often a request of the device had to wait} */
  public int waitCount() {
    return ports().waitCount();
  }

  /** {@return the failures of the host that the device reported, in order} */
  public List<String> hostFailures() {
    return List.copyOf(hostFailures);
  }

  /** {@return what the device says can wake its guest} */
  public List<ReadinessSource> readiness() {
    return List.copyOf(readiness);
  }

  /**
   * Writes a register.
   *
   * @param offset of its port, 0 to 63
   * @param width 1, 2 or 4 bytes
   * @param value its low bytes count
   */
  public void write(int offset, int width, int value) {
    ports().write(PORTS + offset, width, value);
  }

  /**
   * Reads a register.
   *
   * @param offset of its port, 0 to 63
   * @param width 1, 2 or 4 bytes
   * @return the value, unsigned
   */
  public long read(int offset, int width) {
    return ports().read(PORTS + offset, width);
  }

  /**
   * Lets the device take what came from outside.
   *
   * @param halted whether the guest sleeps
   */
  public void poll(boolean halted) {
    Objects.requireNonNull(function, "no device is attached").poll(halted);
  }

  /**
   * Resets the device, places its queues, empty, and makes it live, as Solo5's drivers do.
   *
   * @param queueCount how many queues, at most 8
   * @return this
   */
  public VirtioDriver start(int queueCount) {
    write(STATUS, 1, 0);
    write(STATUS, 1, ACKNOWLEDGED);
    memory.unrestricted().asSlice(QUEUE, (long) queueCount * QUEUE_BYTE_SIZE).fill((byte) 0);
    for (int i = 0; i < queueCount; i++) {
      place(i);
    }
    write(STATUS, 1, DRIVER_OK);
    return this;
  }

  /**
   * Tells the device where a queue is, without making the device live.
   *
   * @param queue its number
   */
  public void place(int queue) {
    write(QUEUE_SELECT, 2, queue);
    write(QUEUE_PAGE, 4, start(queue, 0) / GuestMemory.PAGE_BYTE_SIZE);
  }

  private static int start(int queue, int part) {
    return QUEUE + QUEUE_BYTE_SIZE * queue + part;
  }

  /**
   * Fills a descriptor; the one after it is the next one in the table.
   *
   * @param queue its number
   * @param index of the descriptor, 0 to 255
   * @param gpa of the buffer
   * @param byteSize of the buffer, 32 bits
   * @param flags {@link #NEXT}, {@link #WRITABLE}, or others
   */
  public void describe(int queue, int index, long gpa, long byteSize, int flags) {
    describe(queue, index, gpa, byteSize, flags, index + 1);
  }

  private void describe(int queue, int index, long gpa, long byteSize, int flags, int next) {
    int at = start(queue, 16 * index);
    memory.writeLong(at, gpa);
    memory.writeInt(at + 8, (int) byteSize);
    memory.writeShort(at + 12, (short) flags);
    memory.writeShort(at + 14, (short) next);
  }

  /**
   * Makes a chain available.
   *
   * @param queue its number
   * @param head index of the chain's first descriptor
   */
  public void offer(int queue, int head) {
    int ring = start(queue, AVAILABLE);
    int index = memory.readShort(ring + 2) & 0xffff;
    memory.writeShort(ring + 4 + 2 * (index % QUEUE_SIZE), (short) head);
    memory.writeShort(ring + 2, (short) (index + 1));
  }

  /**
   * Tells the device that there is something in a queue.
   *
   * @param queue its number
   */
  public void notify(int queue) {
    write(QUEUE_NOTIFY, 2, queue);
  }

  /**
   * Asks for no interrupts.
   *
   * @param queue its number
   */
  public void suppressInterrupts(int queue) {
    memory.writeShort(start(queue, AVAILABLE), (short) 1);
  }

  /**
   * {@return how many chains came back, modulo 65536}
   *
   * @param queue its number
   */
  public int usedIndex(int queue) {
    return memory.readShort(start(queue, USED + 2)) & 0xffff;
  }

  /**
   * {@return the bytes that the device says it wrote to the last chain that came back}
   *
   * @param queue its number
   */
  public int lastUsedByteSize(int queue) {
    int index = (usedIndex(queue) - 1) & (QUEUE_SIZE - 1);
    return memory.readInt(start(queue, USED + 8 + 8 * index));
  }

  /**
   * Is a hostile driver: random registers in all widths, queues in random places, random bytes in
   * their tables and rings, chains that loop, leave memory or name each other's rings. What the
   * device refuses does not end it; it goes on with the next access, as only a worse guest could.
   *
   * @param random decides
   * @param accessCount how many
   * @param queueCount of the device, at most 8
   * @return how many accesses the device refused
   * @throws AssertionError if it wrote memory that is read-only
   */
  public long misuse(RandomGenerator random, long accessCount, int queueCount) {
    MemorySegment readOnly = memory.unrestricted().asSlice(READ_ONLY, MEMORY_BYTE_SIZE - READ_ONLY);
    MemorySegment before = MemorySegment.ofArray(readOnly.toArray(ValueLayout.JAVA_BYTE));
    long refused = 0;
    for (long i = 0; i < accessCount; i++) {
      try {
        misuseOnce(random, random.nextInt(queueCount), queueCount);
      } catch (GuestAccessException e) {
        refused++;
      }
    }
    long changed = readOnly.mismatch(before);
    if (changed >= 0) {
      throw new AssertionError(
          "the device wrote to 0x%x, which is read-only".formatted(READ_ONLY + changed));
    }
    return refused;
  }

  private void misuseOnce(RandomGenerator random, int queue, int queueCount) {
    switch (random.nextInt(12)) {
      case 0 -> read(random.nextInt(PORT_COUNT), WIDTHS[random.nextInt(3)]);
      case 1 -> write(random.nextInt(PORT_COUNT), WIDTHS[random.nextInt(3)], random.nextInt());
      case 2 -> write(STATUS, 1, random.nextInt(8));
      case 3 -> {
        write(QUEUE_SELECT, 2, random.nextInt(queueCount + 1));
        write(QUEUE_PAGE, 4, random.nextInt(2 * MEMORY_BYTE_SIZE / GuestMemory.PAGE_BYTE_SIZE));
      }
      case 4 -> start(queueCount);
      case 5 ->
          memory.writeLong(
              start(queue, random.nextInt(QUEUE_BYTE_SIZE - Long.BYTES)),
              random.nextLong() >>> random.nextInt(64));
      case 6 -> memory.writeShort(start(queue, AVAILABLE + 2), (short) random.nextInt());
      case 7, 8 ->
          describe(
              queue,
              random.nextInt(4),
              random.nextInt(MEMORY_BYTE_SIZE + 4096),
              byteSize(random),
              random.nextInt(random.nextInt(4) == 0 ? 8 : 4),
              random.nextInt(5));
      case 9 -> poll(random.nextBoolean());
      default -> {
        offer(queue, random.nextInt(4));
        notify(queue);
      }
    }
  }

  private static long byteSize(RandomGenerator random) {
    return switch (random.nextInt(6)) {
      case 0 -> 0;
      case 1 -> 0xffff_ffffL;
      case 2 -> 512;
      case 3 -> 16;
      default -> random.nextInt(5000);
    };
  }

  /** {@return {@code device1}} */
  @Override
  public String name() {
    return "device1";
  }

  /** {@return 1} */
  @Override
  public int handle() {
    return 1;
  }

  @Override
  public GuestMemory memory() {
    return memory;
  }

  @Override
  public TimeSource time() {
    return TimeSource.system();
  }

  @Override
  public Entropy entropy() {
    return Entropy.system();
  }

  /** Refused: the guest knows no hypercalls. */
  @Override
  public void hypercall(DeviceHypercall hypercall, GuestCallHandler handler) {
    throw new UnsupportedOperationException("hypercall " + hypercall);
  }

  /** Refused: the device has the ports of its function. */
  @Override
  public GuestCallRegistry registry() {
    throw new UnsupportedOperationException("registry");
  }

  /** Refused: the guest reads the device's configuration. */
  @Override
  public void describe(byte[] properties) {
    throw new UnsupportedOperationException("describe");
  }

  @Override
  public void pollable(ReadinessSource source) {
    readiness.add(source);
  }

  @Override
  public void frames(FrameTransfer frames) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void hostFailure(String what, Exception cause) {
    hostFailures.add(what);
  }
}
