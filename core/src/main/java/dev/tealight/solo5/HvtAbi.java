// SPDX-License-Identifier: ISC
package dev.tealight.solo5;

/**
 * Constants of Solo5's hvt ABI, version 2.
 *
 * @see "Solo5 v0.12.1, include/hvt_abi.h, elf_abi.h and mft_abi.h"
 */
public final class HvtAbi {

  /** The ABI version that is run. */
  public static final int VERSION = 2;

  /** The ABI note's number for the hvt target. */
  public static final int TARGET_HVT = 1;

  /** Lowest address at which an image may be loaded or entered. */
  public static final long LOAD_BASE = 0x100000;

  /** Where the boot information is. */
  public static final long BOOT_INFO = 0x10000;

  /** Bytes of the boot information. */
  public static final int BOOT_INFO_BYTE_SIZE = 56;

  /** Bytes for the guest's command line, its terminating zero included. */
  public static final int COMMAND_LINE_BYTE_SIZE = 8192;

  /** Guest memory comes in multiples of this: 2 MiB. */
  public static final long MEMORY_UNIT = 2L << 20;

  /** Guest memory ends here at the latest: 4 GiB. */
  public static final long MEMORY_LIMIT = 4L << 30;

  /** Everything went well. */
  public static final int RESULT_OK = 0;

  /** Nothing there now, try again. */
  public static final int RESULT_AGAIN = 1;

  /** The arguments make no sense. */
  public static final int RESULT_EINVAL = 2;

  /** It failed for a reason that is not the guest's. */
  public static final int RESULT_EUNSPEC = 3;

  /** A hypercall: its number and the bytes of its argument block. */
  public enum Hypercall {
    /** Reads the wall clock. */
    WALLTIME(1, 8),
    /** Writes text. */
    PUTS(2, 16),
    /** Waits for time or input. */
    POLL(3, 24),
    /** Writes to a block device. */
    BLOCK_WRITE(4, 40),
    /** Reads from a block device. */
    BLOCK_READ(5, 40),
    /** Sends a frame. */
    NET_WRITE(6, 32),
    /** Receives a frame. */
    NET_READ(7, 32),
    /** Ends the guest. */
    HALT(8, 16);

    private final int nr;
    private final int blockByteSize;

    Hypercall(int nr, int blockByteSize) {
      this.nr = nr;
      this.blockByteSize = blockByteSize;
    }

    /** {@return the number} */
    public int nr() {
      return nr;
    }

    /** {@return the bytes of the argument block} */
    public int blockByteSize() {
      return blockByteSize;
    }
  }

  private HvtAbi() {}
}
