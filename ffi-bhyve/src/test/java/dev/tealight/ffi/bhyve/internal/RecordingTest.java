// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tealight.ConfigurationException;
import dev.tealight.ExitFrame;
import dev.tealight.ExitKind;
import dev.tealight.TimeSource;
import dev.tealight.Vcpu;
import dev.tealight.Vm;
import dev.tealight.VmOptions;
import dev.tealight.Waiter;
import dev.tealight.X86Register;
import dev.tealight.ffi.bhyve.BhyveOptions;
import dev.tealight.ffi.bhyve.internal.Recording.Call;
import dev.tealight.ffi.bhyve.internal.Recording.Wrote;
import dev.tealight.testkit.X86LongMode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a recording holds. */
class RecordingTest {
  private static final long DATA = 0x90000;

  /** 1: out %eax, $0x12; mov %eax, (%rdi); jmp 1b */
  private static final byte[] CODE = HexFormat.of().parseHex("e712" + "8907" + "ebfa");

  private static final byte[] SPIN = {(byte) 0xeb, (byte) 0xfe};

  @TempDir Path folder;

  private final VmmModel kernel = new VmmModel(15, true);

  private Recording record(VmmModel model, Consumer<BhyveHypervisor> what) throws IOException {
    Path file = folder.resolve("run.vmm");
    BhyveOptions options = new BhyveOptions(false, Duration.ofSeconds(2), Optional.of(file));
    try (BhyveHypervisor hypervisor = BhyveHypervisor.open(model.host(), options)) {
      what.accept(hypervisor);
    }
    return new Recording(Files.readAllBytes(file));
  }

  private static void withGuest(BhyveHypervisor hypervisor, byte[] code, Guest what) {
    try (Vm vm = hypervisor.createVm(VmOptions.ofMemory(1 << 20));
        Vcpu vcpu = vm.createVcpu()) {
      vcpu.writeState(X86LongMode.load(vm.memory(), code).set(X86Register.RDI, DATA));
      what.run(vm, vcpu, new ExitFrame());
    }
  }

  /** What is done with a guest. */
  private interface Guest {
    void run(Vm vm, Vcpu vcpu, ExitFrame exit);
  }

  @ParameterizedTest
  @ValueSource(ints = {13, 14, 15})
  void everyCallIsRecordedInItsOrder(int version) throws IOException {
    VmmModel model = new VmmModel(version, true);
    Recording recording =
        record(
            model,
            hypervisor -> {
              try (Waiter waiter = hypervisor.createWaiter()) {
                waiter.await(waking(waiter), Duration.ofSeconds(1).toNanos(), List.of());
                withGuest(hypervisor, CODE, (vm, vcpu, exit) -> vcpu.run(exit));
              }
            });
    List<Call> calls = recording.calls();
    // The model lists neither what frees nor what waits.
    List<Call> listed = calls.stream().filter(RecordingTest::isListed).toList();
    assertThat(listed).hasSameSizeAs(model.calls);
    for (int i = 0; i < listed.size(); i++) {
      String name = model.calls.get(i);
      if (name.startsWith("VM")) {
        int request = (int) model.facts.value(name);
        assertThat(listed.get(i).request()).as(name).isEqualTo(request);
      }
    }
    assertThat(recording.entries().getFirst()).isInstanceOf(Recording.Start.class);
    assertThat(recording.entries().getLast())
        .isInstanceOfSatisfying(
            Recording.End.class, end -> assertThat(end.calls()).isEqualTo(calls.size()));
    assertThat(calls.stream().map(Call::number))
        .contains(FreeBsdCall.SPECIALFD, FreeBsdCall.WRITE, FreeBsdCall.MUNMAP);
  }

  /** {@return a clock that wakes whoever looks at it before a wait} */
  private static TimeSource waking(Waiter waiter) {
    return new TimeSource() {
      @Override
      public long monotonicNanos() {
        waiter.wake();
        return 0;
      }

      @Override
      public long wallClockNanos() {
        return 0;
      }
    };
  }

  private static boolean isListed(Call call) {
    return switch (call.number()) {
      case FreeBsdCall.OPEN, FreeBsdCall.MMAP, FreeBsdCall.MINHERIT, FreeBsdCall.SPECIALFD -> true;
      case FreeBsdCall.SYSCTLBYNAME ->
          call.buffers().size() != 2 || call.buffers().getFirst().byteSize() == 14; // create
      case FreeBsdCall.IOCTL ->
          call.request() != VmmIoctl.SUSPEND.code()
              && call.request() != VmmIoctl.VMMCTL_VM_DESTROY.code();
      default -> false;
    };
  }

  @Test
  void whatTheMonitorAndTheGuestWroteIsRecordedBetweenTheRuns() throws IOException {
    Recording recording =
        record(
            kernel,
            hypervisor ->
                withGuest(
                    hypervisor,
                    CODE,
                    (vm, vcpu, exit) -> {
                      vcpu.run(exit);
                      vm.memory().writeInt(DATA + 0x1004, 0x1234);
                      vcpu.run(exit);
                    }));
    long memory = memory(recording);
    List<Recording.Entry> records = recording.entries();
    List<Call> runs = recording.calls().stream().filter(Call::isRun).toList();
    int second = records.indexOf(runs.get(1));
    Wrote monitor = (Wrote) records.get(second - 1);
    assertThat(monitor.byMonitor()).isTrue();
    assertThat(monitor.address()).isEqualTo(memory + DATA + 0x1000);
    assertThat(monitor.byteSize()).isEqualTo(8);
    assertThat(recording.longAt(monitor.at() + 24)).isEqualTo(0x1234L << 32);
    Wrote image = (Wrote) records.get(records.indexOf(runs.getFirst()) - 1);
    assertThat(image.byMonitor()).as("before the first run").isTrue();
  }

  /** {@return where guest memory is mapped} */
  private static long memory(Recording recording) {
    return recording.calls().stream()
        .filter(call -> call.number() == FreeBsdCall.MMAP)
        .findFirst()
        .orElseThrow()
        .result();
  }

  @Test
  void guestsWritesAreRecordedBehindTheirRun() throws IOException {
    Recording recording =
        record(
            kernel,
            hypervisor ->
                withGuest(
                    hypervisor,
                    HexFormat.of().parseHex("ffc0" + "8907" + "e712" + "ebfe"),
                    (vm, vcpu, exit) -> vcpu.run(exit)));
    List<Wrote> byGuest =
        recording.entries().stream()
            .filter(Wrote.class::isInstance)
            .map(Wrote.class::cast)
            .filter(wrote -> !wrote.byMonitor())
            .toList();
    // Beside it the accessed and dirty bits of the page tables.
    assertThat(byGuest)
        .anySatisfy(
            wrote -> {
              assertThat(wrote.address()).isEqualTo(memory(recording) + DATA);
              assertThat(recording.longAt(wrote.at() + 24)).isEqualTo(1);
            });
  }

  /** A replay has one thread: marked first, its run ends at once. */
  @Test
  void kickThatEndsARunIsRecordedBeforeIt() throws IOException {
    Recording recording =
        record(
            kernel,
            hypervisor ->
                withGuest(
                    hypervisor,
                    SPIN,
                    (vm, vcpu, exit) -> {
                      Thread kicker =
                          Thread.ofPlatform()
                              .start(
                                  () -> {
                                    while (!((BhyveVcpu) vcpu).isRunning()) {
                                      Thread.onSpinWait();
                                    }
                                    vcpu.kick();
                                  });
                      assertThat(vcpu.run(exit)).isEqualTo(ExitKind.INTERRUPTED);
                      try {
                        kicker.join();
                      } catch (InterruptedException e) {
                        throw new AssertionError(e);
                      }
                    }));
    List<Integer> requests = recording.calls().stream().map(Call::request).toList();
    int marked = requests.indexOf(VmmIoctl.SUSPEND_CPU.code());
    int ended = requests.lastIndexOf(VmmIoctl.RUN_14.code());
    assertThat(marked).isNotNegative().isLessThan(ended);
    assertThat(requests.get(ended + 1)).isEqualTo(VmmIoctl.RESUME_CPU.code());
  }

  @ParameterizedTest
  @ValueSource(ints = {13, 14, 15})
  void whatArgumentsPointToIsRecordedWithThePlaceOfThePointer(int version) throws IOException {
    Recording recording =
        record(
            new VmmModel(version, true),
            hypervisor ->
                withGuest(
                    hypervisor,
                    CODE,
                    (vm, vcpu, exit) -> {
                      vcpu.run(exit);
                      vcpu.readState();
                    }));
    Call run = recording.calls().stream().filter(Call::isRun).findFirst().orElseThrow();
    if (version == 13) {
      assertThat(run.buffers()).hasSize(1);
      assertThat(run.buffers().getFirst().byteSize()).isEqualTo(144);
    } else {
      assertThat(run.buffers()).hasSize(2);
      Recording.Buffer exit = run.buffers().get(1);
      assertThat(List.of(exit.parent(), exit.place(), exit.byteSize())).containsExactly(0, 24, 136);
      assertThat(recording.longAt(exit.after() + 8)).isEqualTo(X86LongMode.CODE);
    }
    Call registers =
        recording.calls().stream()
            .filter(call -> call.request() == VmmIoctl.GET_REGISTER_SET.code())
            .findFirst()
            .orElseThrow();
    assertThat(registers.buffers()).hasSize(3);
    assertThat(registers.buffers().get(1).place()).isEqualTo(8);
    assertThat(registers.buffers().get(2).place()).isEqualTo(16);
    assertThat(registers.buffers().get(2).before()).as("the kernel fills it").isNegative();
  }

  @Test
  void marksSeparateRuns() throws IOException {
    Recording recording =
        record(
            kernel,
            hypervisor -> {
              hypervisor.recording().orElseThrow().mark("Übung", RecordingWriter.DEPENDS_ON_TIME);
              withGuest(hypervisor, CODE, (vm, vcpu, exit) -> vcpu.run(exit));
            });
    assertThat(recording.entries())
        .filteredOn(Recording.Mark.class::isInstance)
        .singleElement()
        .isInstanceOfSatisfying(
            Recording.Mark.class,
            mark -> {
              assertThat(mark.text()).isEqualTo("Übung");
              assertThat(mark.flags()).isEqualTo(1);
            });
  }

  @Test
  void fileThatCannotBeWrittenIsRefusedByName() {
    Path file = folder.resolve("no folder").resolve("run.vmm");
    BhyveOptions options = new BhyveOptions(false, Duration.ofSeconds(2), Optional.of(file));
    assertThatThrownBy(() -> BhyveHypervisor.open(kernel.host(), options))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining(file.toString());
  }

  @Test
  void recordingOfAHypervisorThatCannotBeOpenedIsEndedToo() throws IOException {
    kernel.loaded = false;
    Path file = folder.resolve("run.vmm");
    BhyveOptions options = new BhyveOptions(false, Duration.ofSeconds(2), Optional.of(file));
    assertThatThrownBy(() -> BhyveHypervisor.open(kernel.host(), options)).isNotNull();
    assertThat(new Recording(Files.readAllBytes(file)).entries().getLast())
        .isInstanceOf(Recording.End.class);
  }
}
