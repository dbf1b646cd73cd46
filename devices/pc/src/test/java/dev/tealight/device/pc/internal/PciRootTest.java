// SPDX-License-Identifier: ISC
package dev.tealight.device.pc.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.GuestMemory;
import dev.tealight.device.GuestCall;
import dev.tealight.device.GuestCallHandler;
import dev.tealight.device.GuestCallRegistry;
import dev.tealight.device.InterruptLine;
import dev.tealight.device.Outcome;
import dev.tealight.device.PciFunction;
import dev.tealight.testkit.GuestPorts;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The bus as a guest probes it, access by access, and the lines of its functions. */
class PciRootTest {
  private static final int ADDRESS = 0xcf8;
  private static final int DATA = 0xcfc;
  private static final long SLOT_1 = 0x8000_0000L | 1 << 11;

  private static final class Function implements PciFunction {
    @Override
    public Identity identity() {
      return new Identity(0x1af4, 0x1001, 2, 0x010000);
    }

    @Override
    public int portCount() {
      return 64;
    }

    @Override
    public Outcome handle(GuestCall call) {
      return Outcome.CONTINUE;
    }
  }

  private static final GuestCallRegistry NOWHERE =
      new GuestCallRegistry() {
        @Override
        public void hypercall(int nr, String owner, GuestCallHandler handler) {}

        @Override
        public void ports(int first, int count, String owner, GuestCallHandler handler) {}

        @Override
        public void mmio(long gpa, long byteSize, String owner, GuestCallHandler handler) {}
      };

  private final InterruptController interrupts = new InterruptController();
  private final PciRoot root = new PciRoot(NOWHERE, interrupts);
  private final GuestPorts ports =
      new GuestPorts(GuestMemory.over(MemorySegment.ofArray(new byte[0])), root);

  @BeforeEach
  void opensAllLines() {
    interrupts.write(0x21, 0);
    interrupts.write(0xa1, 0);
  }

  @AfterEach
  void neverWaits() {
    assertThat(ports.waitCount()).isZero();
  }

  private long read(int port, int width) {
    return ports.read(port, width);
  }

  private void write(int port, int width, long value) {
    ports.write(port, width, value);
  }

  private long register(int register) {
    write(ADDRESS, 4, SLOT_1 | register);
    return read(DATA, 4);
  }

  @Test
  void whatIsNotThereReadsAsOnesAndTakesNoWrites() {
    root.attach("disk", new Function());
    long[] absent = {SLOT_1 & ~0x8000_0000L, SLOT_1 + (1 << 11), SLOT_1 | 1 << 8, SLOT_1 | 1 << 16};
    for (long address : absent) {
      write(ADDRESS, 4, address);
      assertThat(read(DATA, 4)).as("0x%x", address).isEqualTo(0xffff_ffffL);
      write(DATA, 4, 0);
      assertThat(read(DATA, 2)).as("0x%x", address).isEqualTo(0xffffL);
    }
  }

  @Test
  void functionIsReadInAnyWidth() {
    root.attach("disk", new Function());
    assertThat(register(0)).isEqualTo(0x1001_1af4L);
    assertThat(read(DATA + 2, 2)).isEqualTo(0x1001);
    assertThat(read(DATA + 1, 1)).isEqualTo(0x1a);
    assertThat(read(DATA + 3, 4)).isEqualTo(0x10);
    assertThat(register(0x2c)).isEqualTo(0x0002_1af4L);
  }

  @Test
  void addressIsTakenInItsOwnWidthOnly() {
    root.attach("disk", new Function());
    write(ADDRESS, 4, SLOT_1);
    write(ADDRESS, 2, 0);
    write(ADDRESS, 1, 0);
    write(ADDRESS + 1, 1, 0);
    assertThat(read(ADDRESS, 4)).isEqualTo(SLOT_1);
    assertThat(read(ADDRESS, 1)).isEqualTo(0xff);
  }

  @Test
  void portsAreSizedAndStayWhereTheyAre() {
    root.attach("disk", new Function());
    long assigned = register(0x10);
    assertThat(assigned).isEqualTo(0xc041);
    write(DATA, 4, 0xffff_ffffL);
    assertThat(read(DATA, 4)).isEqualTo(0xffff_ffc1L);
    write(DATA, 4, assigned);
    assertThat(read(DATA, 4)).isEqualTo(assigned);
  }

  @Test
  void interruptLineRegisterIsTheGuestsToWriteAndMovesNothing() {
    InterruptLine line = root.attach("disk", new Function());
    assertThat(register(0x3c)).isEqualTo(0x10a);
    write(DATA, 4, 0xffff_ffffL);
    assertThat(read(DATA, 4)).isEqualTo(0x1ff);
    line.set(true);
    assertThat(interrupts.acknowledge()).isEqualTo(0x70 + 2);
  }

  @Test
  void sharedLineIsAssertedUntilTheLastFunctionLetsGo() {
    InterruptLine first = root.attach("disk1", new Function());
    for (int i = 2; i <= 5; i++) {
      root.attach("disk" + i, new Function());
    }
    InterruptLine sixth = root.attach("disk6", new Function());
    first.set(true);
    sixth.set(true);
    first.set(false);
    assertThat(interrupts.isPending()).isTrue();
    sixth.set(false);
    assertThat(interrupts.isPending()).isFalse();
  }
}
