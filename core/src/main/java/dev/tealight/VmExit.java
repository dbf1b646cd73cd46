// SPDX-License-Identifier: ISC
package dev.tealight;

/**
 * An exit as an immutable value: what {@link ExitFrame#snapshot} makes, and what a scripted backend
 * plays.
 */
public sealed interface VmExit {

  /** {@return the kind of this exit} */
  ExitKind kind();

  /**
   * A write to the I/O space.
   *
   * @param port 0 to 0xffff
   * @param width bytes: 1, 2 or 4
   * @param value what was written, zero-extended
   */
  record IoWrite(int port, int width, long value) implements VmExit {
    @Override
    public ExitKind kind() {
      return ExitKind.IO_WRITE;
    }

    @Override
    public String toString() {
      return "write of 0x%x, %d bytes wide, to port 0x%x".formatted(value, width, port);
    }
  }

  /**
   * A read from the I/O space.
   *
   * @param port 0 to 0xffff
   * @param width bytes: 1, 2 or 4
   */
  record IoRead(int port, int width) implements VmExit {
    @Override
    public ExitKind kind() {
      return ExitKind.IO_READ;
    }

    @Override
    public String toString() {
      return "read of %d bytes from port 0x%x".formatted(width, port);
    }
  }

  /**
   * A write to an address outside guest memory.
   *
   * @param gpa guest physical address, unsigned
   * @param width bytes: 1 to 8
   * @param value what was written, zero-extended
   */
  record MmioWrite(long gpa, int width, long value) implements VmExit {
    @Override
    public ExitKind kind() {
      return ExitKind.MMIO_WRITE;
    }

    @Override
    public String toString() {
      return "write of 0x%x, %d bytes wide, to address 0x%x outside memory"
          .formatted(value, width, gpa);
    }
  }

  /**
   * A read of an address outside guest memory.
   *
   * @param gpa guest physical address, unsigned
   * @param width bytes: 1 to 8
   */
  record MmioRead(long gpa, int width) implements VmExit {
    @Override
    public ExitKind kind() {
      return ExitKind.MMIO_READ;
    }

    @Override
    public String toString() {
      return "read of %d bytes from address 0x%x outside memory".formatted(width, gpa);
    }
  }

  /**
   * An access that the protection of its region forbids.
   *
   * @param gpa guest physical address, or {@link ExitFrame#UNKNOWN_ADDRESS}
   */
  record ProtectionFault(long gpa) implements VmExit {
    @Override
    public ExitKind kind() {
      return ExitKind.PROTECTION_FAULT;
    }

    @Override
    public String toString() {
      return gpa == ExitFrame.UNKNOWN_ADDRESS
          ? "forbidden access to a protected page"
          : "forbidden access to the protected page at 0x%x".formatted(gpa);
    }
  }

  /** The guest waits for an interrupt. */
  record Halt() implements VmExit {
    @Override
    public ExitKind kind() {
      return ExitKind.HALT;
    }

    @Override
    public String toString() {
      return "halt instruction";
    }
  }

  /** The vCPU was kicked. */
  record Interrupted() implements VmExit {
    @Override
    public ExitKind kind() {
      return ExitKind.INTERRUPTED;
    }

    @Override
    public String toString() {
      return "kick";
    }
  }

  /** An interrupt can be injected. */
  record InterruptWindow() implements VmExit {
    @Override
    public ExitKind kind() {
      return ExitKind.INTERRUPT_WINDOW;
    }

    @Override
    public String toString() {
      return "interrupt window";
    }
  }

  /**
   * A step, breakpoint or watchpoint.
   *
   * @param cause which of them
   * @param address guest virtual address of the instruction
   */
  record Debug(ExitKind.DebugCause cause, long address) implements VmExit {
    @Override
    public ExitKind kind() {
      return ExitKind.DEBUG;
    }

    @Override
    public String toString() {
      return "debug exit (%s) at 0x%x".formatted(cause, address);
    }
  }

  /** The processor gave up, on x86 by a triple fault. */
  record Shutdown() implements VmExit {
    @Override
    public ExitKind kind() {
      return ExitKind.SHUTDOWN;
    }

    @Override
    public String toString() {
      return "shutdown (triple fault)";
    }
  }

  /**
   * An exception of the guest's without a handler.
   *
   * @param number the processor's number of the exception
   * @param address guest virtual address that could not be accessed, or {@link
   *     ExitFrame#UNKNOWN_ADDRESS}
   */
  record UnhandledException(int number, long address) implements VmExit {
    @Override
    public ExitKind kind() {
      return ExitKind.UNHANDLED_EXCEPTION;
    }

    @Override
    public String toString() {
      return address == ExitFrame.UNKNOWN_ADDRESS
          ? "exception %d without a handler".formatted(number)
          : "exception %d without a handler, for address 0x%x".formatted(number, address);
    }
  }

  /**
   * The hardware refused to enter the guest.
   *
   * @param reason the hardware's number
   */
  record EntryFailed(long reason) implements VmExit {
    @Override
    public ExitKind kind() {
      return ExitKind.ENTRY_FAILED;
    }

    @Override
    public String toString() {
      return "entry failure, hardware reason 0x%x".formatted(reason);
    }
  }

  /**
   * The host could not carry out the guest's instruction.
   *
   * @param subCode the host's number
   */
  record HypervisorError(long subCode) implements VmExit {
    @Override
    public ExitKind kind() {
      return ExitKind.INTERNAL_ERROR;
    }

    @Override
    public String toString() {
      return "internal error of the hypervisor, sub-code %d".formatted(subCode);
    }
  }

  /**
   * A reason the backend does not know.
   *
   * @param reason the host's number
   */
  record Unknown(long reason) implements VmExit {
    @Override
    public ExitKind kind() {
      return ExitKind.UNKNOWN;
    }

    @Override
    public String toString() {
      return "exit with unknown reason %d".formatted(reason);
    }
  }
}
