// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tealight.Console;
import dev.tealight.ExitFrame;
import dev.tealight.ExitKind;
import dev.tealight.Monitor;
import dev.tealight.Protection;
import dev.tealight.Region;
import dev.tealight.RunResult;
import dev.tealight.Vcpu;
import dev.tealight.Vm;
import dev.tealight.VmOptions;
import dev.tealight.X86Register;
import dev.tealight.ffi.bhyve.BhyveOptions;
import dev.tealight.ffi.bhyve.internal.Recording.Call;
import dev.tealight.testkit.Guests;
import dev.tealight.testkit.X86LongMode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a kernel gave is played back to the backend, which is to make the same calls. */
class RecordedKernelTest {
  private static final long DATA = 0x90000;
  private static final BhyveOptions OPTIONS = new BhyveOptions(false, Duration.ofSeconds(2));

  @TempDir Path folder;

  private Recording record(VmmModel kernel, Run run) throws IOException {
    Path file = folder.resolve("run.vmm");
    BhyveOptions options = new BhyveOptions(false, OPTIONS.stallLimit(), Optional.of(file));
    try (BhyveHypervisor hypervisor = BhyveHypervisor.open(kernel.host(), options)) {
      run.on(hypervisor);
    }
    return new Recording(Files.readAllBytes(file));
  }

  private static void playBack(Recording recording, Run run) {
    try (RecordedKernel kernel = new RecordedKernel(recording)) {
      try (BhyveHypervisor hypervisor = BhyveHypervisor.open(kernel.host(), OPTIONS)) {
        run.on(hypervisor);
      }
    }
  }

  /** Something that is done twice. */
  private interface Run {
    void on(BhyveHypervisor hypervisor);
  }

  /** Ports, strings, memory, kick, halt and reset. */
  private static void runGuest(BhyveHypervisor hypervisor) {
    try (Vm vm = hypervisor.createVm(VmOptions.ofMemory(1 << 20));
        Vcpu vcpu = vm.createVcpu()) {
      vm.protect(List.of(new Region(0x80000, 0x1000, Protection.READ_ONLY)));
      byte[] code = HexFormat.of().parseHex("e712" + "e410" + "8907" + "6e" + "faf4");
      vcpu.writeState(
          X86LongMode.load(vm.memory(), code)
              .set(X86Register.RDI, 0x3000_0000)
              .set(X86Register.RSI, DATA));
      ExitFrame exit = new ExitFrame();
      assertThat(vcpu.run(exit)).isEqualTo(ExitKind.IO_WRITE);
      vm.memory().writeByte(DATA, (byte) 0x55);
      assertThat(vcpu.run(exit)).isEqualTo(ExitKind.IO_READ);
      exit.complete(0x42);
      assertThat(vcpu.run(exit)).isEqualTo(ExitKind.MMIO_WRITE);
      assertThat(exit.value()).isEqualTo(0x42);
      assertThat(vcpu.run(exit)).isEqualTo(ExitKind.IO_WRITE);
      assertThat(exit.value()).isEqualTo(0x55);
      vcpu.kick();
      assertThat(vcpu.run(exit)).isEqualTo(ExitKind.INTERRUPTED);
      assertThat(vcpu.run(exit)).isEqualTo(ExitKind.HALT);
      vcpu.writeState(vcpu.readState());
    }
  }

  @ParameterizedTest
  @CsvSource({"13,true", "14,true", "15,true", "15,false"})
  void backendMakesTheRecordedCallsAgain(int version, boolean amd) throws IOException {
    Recording recording = record(new VmmModel(version, amd), RecordedKernelTest::runGuest);
    playBack(recording, RecordedKernelTest::runGuest);
  }

  @ParameterizedTest
  @ValueSource(ints = {13, 14, 15})
  void monitorRunsAGuestOnWhatWasRecordedAlone(int version) throws IOException {
    List<String> texts = new ArrayList<>();
    Run run =
        hypervisor -> {
          StringBuilder text = new StringBuilder();
          try (Monitor monitor =
              Monitor.builder()
                  .image("hello", Guests.image("hello"))
                  .memoryByteSize(2 << 20)
                  .arguments("Hello_Solo5")
                  .console(
                      Console.direct(
                          (bytes, offset, length) ->
                              text.append(
                                  new String(bytes, offset, length, StandardCharsets.UTF_8))))
                  .hypervisor(hypervisor)
                  .build()) {
            assertThat(monitor.run()).isInstanceOf(RunResult.Halted.class);
          } catch (InterruptedException e) {
            throw new AssertionError(e);
          }
          texts.add(text.toString());
        };
    Recording recording = record(new VmmModel(version, true), run);
    playBack(recording, run);
    assertThat(texts.getFirst()).contains("SUCCESS").isEqualTo(texts.getLast());
  }

  /** Real kernels leave other bytes there than the model. */
  @ParameterizedTest
  @ValueSource(ints = {13, 15})
  void whatAnExitDoesNotSetIsNotLookedAt(int version) throws IOException {
    Recording recording = record(new VmmModel(version, true), RecordedKernelTest::runGuest);
    byte[] changed = recording.whole();
    ByteBuffer bytes = ByteBuffer.wrap(changed).order(ByteOrder.LITTLE_ENDIAN);
    int touched = 0;
    for (Call call : recording.calls()) {
      if (call.isRun() && call.result() >= 0) {
        Recording.Buffer last = call.buffers().getLast();
        int exit = last.after() + last.byteSize() - (int) VmmRun.EXIT_BYTE_SIZE;
        int used =
            switch (recording.intAt(exit)) {
              case VmmExit.INOUT -> 24;
              case VmmExit.DEBUG, VmmExit.BOGUS -> 16;
              case VmmExit.SUSPENDED -> 20;
              default -> 136;
            };
        for (int at = used; at < 136; at++) {
          changed[exit + at] = (byte) 0xdb;
          touched++;
        }
        if (recording.intAt(exit) == VmmExit.INOUT) {
          bytes.putShort(exit + 16, (short) (bytes.getShort(exit + 16) ^ 0xffc0));
        }
      }
    }
    assertThat(touched).isPositive();
    playBack(new Recording(changed), RecordedKernelTest::runGuest);
  }

  @Test
  void otherExitsOfAKernelReachTheMonitor() throws IOException {
    Recording recording = record(new VmmModel(15, true), RecordedKernelTest::runGuest);
    Call first = recording.calls().stream().filter(Call::isRun).findFirst().orElseThrow();
    byte[] changed = recording.whole();
    changed[first.buffers().getLast().after()] = VmmExit.HLT;
    assertThatThrownBy(() -> playBack(new Recording(changed), RecordedKernelTest::runGuest))
        .hasMessageContaining("IO_WRITE");
  }

  @Test
  void otherBytesInACallAreNamed() throws IOException {
    Recording recording = record(new VmmModel(15, true), RecordedKernelTest::runGuest);
    int number = 0;
    for (Call call : recording.calls()) {
      number++;
      if (call.request() == VmmIoctl.MMAP_MEMSEG.code()) {
        break;
      }
    }
    Call call = recording.calls().get(number - 1);
    byte[] changed = recording.flipped(call.buffers().getFirst().before() + 8);
    assertThatThrownBy(() -> playBack(new Recording(changed), RecordedKernelTest::runGuest))
        .hasMessageContaining("byte 8 of buffer 0 of call " + number);
  }

  @Test
  void otherWritesToGuestMemoryAreNamed() throws IOException {
    Recording recording = record(new VmmModel(15, true), RecordedKernelTest::runGuest);
    Recording.Wrote wrote =
        recording.entries().stream()
            .filter(Recording.Wrote.class::isInstance)
            .map(Recording.Wrote.class::cast)
            .findFirst()
            .orElseThrow();
    byte[] changed = recording.flipped(wrote.at() + 24);
    assertThatThrownBy(() -> playBack(new Recording(changed), RecordedKernelTest::runGuest))
        .hasMessageContaining("the monitor wrote other bytes at 0x");
  }

  @Test
  void callsThatAreNotMadeAreNamed() throws IOException {
    Recording recording =
        record(
            new VmmModel(15, true),
            hypervisor -> {
              runGuest(hypervisor);
              runGuest(hypervisor);
            });
    assertThatThrownBy(() -> playBack(recording, RecordedKernelTest::runGuest))
        .isInstanceOf(AssertionError.class);
  }
}
