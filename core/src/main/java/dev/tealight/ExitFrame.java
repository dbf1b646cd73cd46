// SPDX-License-Identifier: ISC
package dev.tealight;

import java.util.Objects;

/**
 * One exit of one vCPU, filled by the backend and read by whoever runs it.
 *
 * <p>A frame is reused for every exit, so that an exit allocates nothing; {@link #snapshot} makes
 * an immutable copy. Not thread-safe: it belongs to the thread that runs the vCPU.
 */
public final class ExitFrame {

  /**
   * The address of a {@link ExitKind#PROTECTION_FAULT} whose host does not tell it, and of an
   * {@link ExitKind#UNHANDLED_EXCEPTION} that has none.
   */
  public static final long UNKNOWN_ADDRESS = -1;

  private ExitKind kind = ExitKind.INTERRUPTED;
  private long address;
  private int width;
  private long value;
  private long detail;

  /** Creates a frame that reads as {@link ExitKind#INTERRUPTED}. */
  public ExitFrame() {}

  /** {@return why the vCPU left guest mode} */
  public ExitKind kind() {
    return kind;
  }

  /**
   * {@return the port, guest physical address or instruction address, see {@link ExitKind};
   * unsigned}
   */
  public long address() {
    return address;
  }

  /** {@return the number of bytes of an access: 1, 2 or 4 of I/O, 1 to 8 of MMIO; else 0} */
  public int width() {
    return width;
  }

  /**
   * {@return what the guest wrote, zero-extended; after {@link #complete}, what the guest will
   * read}
   */
  public long value() {
    return value;
  }

  /** {@return the host's own number for what happened, see {@link ExitKind}} */
  public long detail() {
    return detail;
  }

  /**
   * Answers an {@link ExitKind#IO_READ} or {@link ExitKind#MMIO_READ}. The vCPU's next run hands
   * the value to the guest.
   *
   * @param value what the guest reads; bits above {@link #width} are ignored
   * @throws IllegalStateException if this exit is not a read
   */
  public void complete(long value) {
    if (kind != ExitKind.IO_READ && kind != ExitKind.MMIO_READ) {
      throw new IllegalStateException("only a read can be completed, this exit is " + kind);
    }
    this.value = value;
  }

  /**
   * Fills the frame with an access to the I/O space or to addresses outside memory. For backends.
   *
   * @param kind one of the four access kinds
   * @param address the port or gpa, unsigned
   * @param width bytes: 1, 2 or 4 of I/O, 1 to 8 of MMIO
   * @param value what the guest wrote, zero-extended; for a read what the guest gets if nobody
   *     completes it
   * @return {@code kind}
   */
  public ExitKind access(ExitKind kind, long address, int width, long value) {
    return fill(kind, address, width, value, 0);
  }

  /**
   * Fills the frame with an exit that is no access. For backends.
   *
   * @param kind what happened
   * @param address gpa or instruction address, as {@code kind} says; else 0
   * @param detail the host's own number, as {@code kind} says; else 0
   * @return {@code kind}
   */
  public ExitKind event(ExitKind kind, long address, long detail) {
    return fill(kind, address, 0, 0, detail);
  }

  private ExitKind fill(ExitKind kind, long address, int width, long value, long detail) {
    this.kind = Objects.requireNonNull(kind, "kind");
    this.address = address;
    this.width = width;
    this.value = value;
    this.detail = detail;
    return kind;
  }

  /** {@return an immutable copy, for logs, results and scripts} */
  public VmExit snapshot() {
    return switch (kind) {
      case IO_WRITE -> new VmExit.IoWrite((int) address, width, value);
      case IO_READ -> new VmExit.IoRead((int) address, width);
      case MMIO_WRITE -> new VmExit.MmioWrite(address, width, value);
      case MMIO_READ -> new VmExit.MmioRead(address, width);
      case PROTECTION_FAULT -> new VmExit.ProtectionFault(address);
      case HALT -> new VmExit.Halt();
      case INTERRUPTED -> new VmExit.Interrupted();
      case INTERRUPT_WINDOW -> new VmExit.InterruptWindow();
      case DEBUG -> new VmExit.Debug(ExitKind.DebugCause.values()[(int) detail], address);
      case SHUTDOWN -> new VmExit.Shutdown();
      case UNHANDLED_EXCEPTION -> new VmExit.UnhandledException((int) detail, address);
      case ENTRY_FAILED -> new VmExit.EntryFailed(detail);
      case INTERNAL_ERROR -> new VmExit.HypervisorError(detail);
      case UNKNOWN -> new VmExit.Unknown(detail);
    };
  }

  @Override
  public String toString() {
    return snapshot().toString();
  }
}
