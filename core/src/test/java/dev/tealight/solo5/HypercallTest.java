// SPDX-License-Identifier: ISC
package dev.tealight.solo5;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tealight.ConfigurationException;
import dev.tealight.ExitKind;
import dev.tealight.GuestMemory;
import dev.tealight.ReadinessSource;
import dev.tealight.RunResult;
import dev.tealight.Waiter;
import dev.tealight.device.Outcome;
import dev.tealight.fake.FakeBoot;
import dev.tealight.internal.run.RunLoop;
import dev.tealight.internal.run.RunLoop.Step;
import dev.tealight.solo5.HvtAbi.Hypercall;
import dev.tealight.solo5.ImageBuilder.Device;
import dev.tealight.spi.BootContext.AttachedDevice;
import dev.tealight.spi.BootImage.DeclaredDevice;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The hypercalls that every guest has, called rightly and wrongly. */
class HypercallTest {
  private static final long MEMORY = 4 << 20;
  private static final long BLOCK = 0x200000;
  private static final long DATA = 0x201000;
  private static final long TEXT = 0x100000;
  private static final long READ_ONLY = 0x101000;

  private final FakeBoot boot = new FakeBoot(MEMORY);
  private final boolean[] ready = new boolean[64];
  private final RunLoop loop;

  HypercallTest() {
    for (int handle = 1; handle <= 2; handle++) {
      boot.devices.add(
          new AttachedDevice(
              new DeclaredDevice("net" + handle, "NET_BASIC", handle),
              MemorySegment.ofArray(new byte[16]),
              List.of(readiness(handle), readiness(handle)),
              Optional.empty()));
    }
    boot.boot(ImageBuilder.hello().devices(new Device("net1", 2), new Device("net2", 2)).build());
    loop = boot.loop(ElfHeaderTest.open(ImageBuilder.hello()));
  }

  private ReadinessSource readiness(int handle) {
    return () -> ready[handle];
  }

  @AfterEach
  void close() {
    boot.close();
  }

  private GuestMemory memory() {
    return boot.vm().memory();
  }

  /** Makes the guest call once; what comes next is a kick. */
  private Step call(Hypercall call, long argument) {
    return out(0x500 + call.nr(), 4, argument);
  }

  private Step out(int port, int width, long value) {
    boot.vcpu().guest =
        exit -> {
          boot.vcpu().kick();
          return exit.access(ExitKind.IO_WRITE, port, width, value);
        };
    return loop.step();
  }

  private void block(long... fields) {
    for (int i = 0; i < fields.length; i++) {
      memory().writeLong(BLOCK + 8L * i, fields[i]);
    }
  }

  private void assertFaulted(Step step, String reason) {
    assertThat(step).isEqualTo(Step.ENDED);
    assertThat(loop.result()).isInstanceOf(RunResult.Faulted.class);
    assertThat(((RunResult.Faulted) loop.result()).reason())
        .isEqualTo(reason + " at instruction 0x100020");
  }

  private static String outside(Hypercall call, long gpa, String byteSize) {
    return "%s: range gpa=0x%x byteSize=%s is outside guest memory of 4194304 bytes"
        .formatted(call, gpa, byteSize);
  }

  @ParameterizedTest
  @CsvSource({"0x500, 0", "0x509, 9", "0x5ff, 255"})
  void hypercallThatDoesNotExistIsAFault(String port, int nr) {
    assertFaulted(
        out(Integer.decode(port), 4, BLOCK),
        "hypercall %d does not exist or its device is not attached".formatted(nr));
  }

  @ParameterizedTest
  @EnumSource(names = {"BLOCK_WRITE", "BLOCK_READ", "NET_WRITE", "NET_READ"})
  void callOfADeviceThatIsNotThereIsAFault(Hypercall call) {
    assertFaulted(
        call(call, BLOCK),
        "hypercall %d does not exist or its device is not attached".formatted(call.nr()));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void narrowWriteToAHypercallsPortIsAFault(int width) {
    out(0x501, width, BLOCK);

    assertThat(((RunResult.Faulted) loop.result()).reason()).contains("which nobody serves");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 0x80, 0x4ff, 0x600, 0xffff})
  void writeToAnotherPortIsAFault(int port) {
    out(port, 4, BLOCK);

    assertThat(((RunResult.Faulted) loop.result()).reason()).contains("which nobody serves");
  }

  @Test
  void readFromAHypercallsPortIsAFault() {
    boot.vcpu().guest = exit -> exit.access(ExitKind.IO_READ, 0x501, 4, 0);
    loop.step();

    assertThat(((RunResult.Faulted) loop.result()).reason()).contains("which nobody serves");
  }

  @Test
  void walltimeStoresNanosecondsSince1970() {
    assertThat(call(Hypercall.WALLTIME, BLOCK)).isEqualTo(Step.READY);
    assertThat(memory().readLong(BLOCK)).isEqualTo(1_700_000_000_123_456_789L);
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 3, 0x1001, MEMORY - 8})
  void walltimeMayLieAnywhereInMemoryThatIsNotProtected(long block) {
    assertThat(call(Hypercall.WALLTIME, block)).isEqualTo(Step.READY);
    assertThat(memory().readLong(block)).isEqualTo(1_700_000_000_123_456_789L);
  }

  @ParameterizedTest
  @ValueSource(longs = {TEXT, READ_ONLY, TEXT - 7, READ_ONLY + 0xff9})
  void walltimeIntoAReadOnlyPageIsAFaultAndWritesNothing(long block) {
    long before = memory().readLong(block);

    assertFaulted(
        call(Hypercall.WALLTIME, block),
        "WALLTIME: write of gpa=0x%x byteSize=8 is forbidden by the protection of its region"
            .formatted(block));
    assertThat(memory().readLong(block)).isEqualTo(before);
  }

  @ParameterizedTest
  @EnumSource(names = {"WALLTIME", "PUTS", "POLL", "HALT"})
  void blockBeyondMemoryIsAFault(Hypercall call) {
    for (long block : new long[] {MEMORY - 1, MEMORY, 0xffff_ffffL}) {
      try (HypercallTestRun run = new HypercallTestRun()) {
        run.test.call(call, block);
        assertThat(run.test.loop.result()).as("0x%x", block).isInstanceOf(RunResult.Faulted.class);
        assertThat(((RunResult.Faulted) run.test.loop.result()).reason())
            .startsWith(call + ": range gpa=0x")
            .endsWith(" is outside guest memory of 4194304 bytes at instruction 0x100020");
      }
    }
  }

  /** A fresh machine within a test. */
  private static final class HypercallTestRun implements AutoCloseable {
    final HypercallTest test = new HypercallTest();

    @Override
    public void close() {
      test.close();
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"WALLTIME", "PUTS", "POLL", "HALT"})
  void blockThatEndsWithMemoryIsTaken(Hypercall call) {
    Step step = call(call, MEMORY - call.blockByteSize());

    assertThat(step).isEqualTo(call == Hypercall.HALT ? Step.ENDED : Step.READY);
  }

  @ParameterizedTest
  @EnumSource(names = {"WALLTIME", "PUTS", "POLL", "HALT"})
  void blockThatEndsOneByteBeyondMemoryIsAFault(Hypercall call) {
    call(call, MEMORY - call.blockByteSize() + 1);

    assertThat(loop.result()).isInstanceOf(RunResult.Faulted.class);
  }

  @Test
  void putsPassesBytesAsTheyAre() {
    byte[] text = "a\0b\n\u00ff".getBytes(StandardCharsets.ISO_8859_1);
    memory().copyIn(DATA, text, 0, text.length);
    block(DATA, text.length);

    assertThat(call(Hypercall.PUTS, BLOCK)).isEqualTo(Step.READY);
    assertThat(boot.output.toByteArray()).isEqualTo(text);
  }

  @Test
  void putsMayPrintCodeAndItsOwnBlock() {
    block(TEXT, 0x40);
    call(Hypercall.PUTS, BLOCK);
    block(BLOCK, 16);
    call(Hypercall.PUTS, BLOCK);

    assertThat(boot.output.size()).isEqualTo(0x40 + 16);
  }

  @ParameterizedTest
  @ValueSource(longs = {0, DATA, TEXT, TEXT + 5, MEMORY})
  void putsOfNothingDoesNothing(long data) {
    block(data, 0);

    assertThat(call(Hypercall.PUTS, BLOCK)).isEqualTo(Step.READY);
    assertThat(boot.output.size()).isZero();
  }

  @Test
  void putsOfAllMemoryPrintsAllMemory() {
    block(0, MEMORY);
    Step step = call(Hypercall.PUTS, BLOCK);
    while (step != Step.READY) {
      assertThat(step).isEqualTo(Step.WAITING);
      step = loop.step();
    }

    assertThat(boot.output.size()).isEqualTo(MEMORY);
  }

  @Test
  void stopDoesNotWaitForTheEndOfALongPuts() {
    block(0, MEMORY);

    assertThat(call(Hypercall.PUTS, BLOCK)).isEqualTo(Step.WAITING);
    loop.request(RunLoop.STOP);
    assertThat(loop.step()).isEqualTo(Step.ENDED);
    assertThat(loop.result()).isEqualTo(new RunResult.Stopped());
    assertThat(boot.output.size()).isLessThan((int) MEMORY);
  }

  @ParameterizedTest
  @CsvSource({
    "0x400000, 1, 1",
    "0x3fffff, 2, 2",
    "0x400001, 0, 0",
    "0, 0x400001, 4194305",
    "0, -1, 18446744073709551615",
    "0x201000, 0x7fffffffffffffff, 9223372036854775807",
    "0xffffffff, 1, 1",
    "0x7fffffffffffffff, 1, 1",
    "-1, 1, 1",
    "-1, 2, 2",
    "-4096, 8192, 8192",
    "-1, -1, 18446744073709551615"
  })
  void putsFromOutsideMemoryIsAFaultAndPrintsNothing(String data, String length, String printed) {
    block(Long.decode(data), Long.decode(length));

    assertFaulted(call(Hypercall.PUTS, BLOCK), outside(Hypercall.PUTS, Long.decode(data), printed));
    assertThat(boot.output.size()).isZero();
  }

  @Test
  void pollWithoutTimeoutReturnsAtOnce() {
    block(0, -1, -1);

    assertThat(call(Hypercall.POLL, BLOCK)).isEqualTo(Step.READY);
    assertThat(memory().readLong(BLOCK + 8)).isZero();
    assertThat(memory().readLong(BLOCK + 16)).isEqualTo(0xffff_ffff_0000_0000L); // padding stays
  }

  @Test
  void pollWaitsForItsTimeoutToTheNanosecond() {
    block(1);

    assertThat(call(Hypercall.POLL, BLOCK)).isEqualTo(Step.WAITING);
    assertThat(loop.waitDeadlineNanos()).isEqualTo(boot.time.monotonicNanos + 1);
    assertThat(loop.step()).isEqualTo(Step.WAITING); // woken for nothing
    boot.time.monotonicNanos++;
    assertThat(loop.step()).isEqualTo(Step.READY);
    assertThat(memory().readInt(BLOCK + 16)).isZero();
  }

  @ParameterizedTest
  @ValueSource(longs = {Long.MAX_VALUE, Long.MIN_VALUE, Long.MIN_VALUE + 1, -1})
  void pollWithATimeoutOfCenturiesWaitsUntilSomethingIsReady(long timeout) {
    block(timeout);

    assertThat(call(Hypercall.POLL, BLOCK)).isEqualTo(Step.WAITING);
    assertThat(loop.waitDeadlineNanos()).isEqualTo(Waiter.NO_DEADLINE);
    boot.time.monotonicNanos = Long.MAX_VALUE - 1;
    assertThat(loop.step()).isEqualTo(Step.WAITING);
    ready[2] = true;
    assertThat(loop.step()).isEqualTo(Step.READY);
    assertThat(memory().readLong(BLOCK + 8)).isEqualTo(0b100);
  }

  @Test
  void pollTellsWhichDevicesAreReadyAndHowMany() {
    ready[1] = true;
    ready[2] = true;
    block(Long.MAX_VALUE, -1, -1);

    assertThat(call(Hypercall.POLL, BLOCK)).isEqualTo(Step.READY);
    assertThat(memory().readLong(BLOCK + 8)).isEqualTo(0b110);
    assertThat(memory().readInt(BLOCK + 16)).isEqualTo(2);
  }

  @Test
  void pollUsesTheTimeoutThatItReadFirst() {
    block(10);
    assertThat(call(Hypercall.POLL, BLOCK)).isEqualTo(Step.WAITING);
    block(Long.MAX_VALUE);
    boot.time.monotonicNanos += 10;

    assertThat(loop.step()).isEqualTo(Step.READY);
  }

  @ParameterizedTest
  @ValueSource(longs = {TEXT, READ_ONLY, TEXT - 23, TEXT - 9})
  void pollWithResultsInAReadOnlyPageIsAFaultBeforeAnyWait(long block) {
    assertFaulted(
        call(Hypercall.POLL, block),
        "POLL: write of gpa=0x%x byteSize=16 is forbidden by the protection of its region"
            .formatted(block + 8));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 42, 255, 256, -1, Integer.MAX_VALUE, Integer.MIN_VALUE})
  void haltEndsTheRunWithAllBitsOfItsStatus(int status) {
    block(0, Integer.toUnsignedLong(status));

    assertThat(call(Hypercall.HALT, BLOCK)).isEqualTo(Step.ENDED);
    assertThat(loop.result()).isEqualTo(new RunResult.Halted(status));
  }

  @Test
  void haltMayBeInReadOnlyMemory() {
    assertThat(call(Hypercall.HALT, READ_ONLY + 0x800)).isEqualTo(Step.ENDED);
    assertThat(loop.result()).isEqualTo(new RunResult.Halted(0));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, BLOCK, TEXT, MEMORY - 512})
  void haltCookieOf512BytesInMemoryIsTaken(long cookie) {
    block(cookie, 255);

    call(Hypercall.HALT, BLOCK);
    assertThat(loop.result()).isEqualTo(new RunResult.Halted(255, cookie));
  }

  @ParameterizedTest
  @ValueSource(
      longs = {MEMORY - 511, MEMORY, 0xffff_ffffL, Long.MAX_VALUE, Long.MIN_VALUE, -1, -512})
  void haltCookieOutsideMemoryIsAFault(long cookie) {
    block(cookie, 0);

    assertFaulted(call(Hypercall.HALT, BLOCK), outside(Hypercall.HALT, cookie, "512"));
  }

  @Test
  void runThatHasEndedStaysEnded() {
    block(0, 7);
    call(Hypercall.HALT, BLOCK);

    assertThat(call(Hypercall.WALLTIME, BLOCK)).isEqualTo(Step.ENDED);
    assertThat(loop.result()).isEqualTo(new RunResult.Halted(7));
  }

  @ParameterizedTest
  @CsvSource({"0x4ff, 2, 0x500", "0x507, 1, 0x507", "0x5ff, 16, 0x5ff"})
  void handlerThatHypercallsWouldHideIsRefused(int first, int count, String taken) {
    assertThatThrownBy(() -> boot.registry().ports(first, count, "MINE", call -> Outcome.CONTINUE))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("port %s of MINE is taken by Solo5's hypercalls".formatted(taken));
  }
}
