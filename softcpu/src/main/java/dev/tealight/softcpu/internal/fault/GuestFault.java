// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.fault;

/**
 * An exception of the guest processor on its way to delivery.
 *
 * <p>Each processor owns one and reuses it: raising a fault allocates nothing and records no stack
 * trace. Throw what the methods return: {@code throw faults.protection(0)}.
 */
@SuppressWarnings("serial") // never serialised: it lives and dies with its processor
public final class GuestFault extends RuntimeException {
  /** Stands for "this vector pushes no error code". */
  public static final int NO_ERROR_CODE = -1;

  private int vector;
  private int errorCode = NO_ERROR_CODE;
  private long address;
  private boolean nonCanonical;

  public GuestFault() {
    super(null, null, false, false);
  }

  public int vector() {
    return vector;
  }

  /** Returns the error code to push, or {@link #NO_ERROR_CODE}. */
  public int errorCode() {
    return errorCode;
  }

  /** Returns the linear address of a page fault, which delivery puts into CR2. */
  public long address() {
    return address;
  }

  public GuestFault raise(int vector) {
    return raise(vector, NO_ERROR_CODE);
  }

  public GuestFault raise(int vector, int errorCode) {
    this.nonCanonical = false;
    this.vector = vector;
    this.errorCode = errorCode;
    return this;
  }

  public GuestFault undefined() {
    return raise(Vector.UNDEFINED);
  }

  public GuestFault protection(int errorCode) {
    return raise(Vector.PROTECTION, errorCode);
  }

  /** An address of 64-bit code is not canonical: #GP(0), or #SS(0) for accesses of the stack. */
  public GuestFault nonCanonical() {
    protection(0);
    nonCanonical = true;
    return this;
  }

  /** Turns the fault into one of the stack if a non-canonical address is its reason. */
  public void blameStack() {
    if (nonCanonical) {
      stack(0);
    }
  }

  public GuestFault stack(int errorCode) {
    return raise(Vector.STACK, errorCode);
  }

  public GuestFault page(long address, int errorCode) {
    this.address = address;
    return raise(Vector.PAGE_FAULT, errorCode);
  }
}
