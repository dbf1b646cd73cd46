// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tealight.ExitFrame;
import dev.tealight.ExitKind;
import dev.tealight.Vcpu;
import dev.tealight.Vm;
import dev.tealight.VmOptions;
import dev.tealight.ffi.bhyve.BhyveOptions;
import dev.tealight.testkit.X86LongMode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The replayer in C performs recordings on the model, and finds what differs. */
class ReplayerIT {
  private static final long PROCESS = 4711;

  private static final boolean NIGHTLY = "nightly".equals(System.getProperty("tealight.effort"));

  /** Between bytes that are changed. Fields are as long as powers of two. */
  private static final int STRIDE = NIGHTLY ? 1 : 7;

  @TempDir static Path folder;

  private static Replayer replayer;

  @BeforeAll
  static void build() {
    try {
      replayer = new Replayer(folder);
    } catch (IOException e) {
      replayer =
          abort("the replayer was not built, is there a C compiler called cc? " + e.getMessage());
    }
  }

  private static byte[] record(VmmModel kernel) throws IOException {
    Path file = Files.createTempFile(folder, "run", ".vmm");
    ExitGuests.record(kernel, file);
    return Files.readAllBytes(file);
  }

  private static void assertNothingLeft(VmmModel kernel) {
    assertThat(kernel.descriptors).isEmpty();
    assertThat(kernel.mappings).isEmpty();
    assertThat(kernel.vms).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"13,true", "14,true", "15,true", "13,false", "14,false", "15,false"})
  void recordingOnTheSameKernelDiffersInNothing(int version, boolean amd) throws IOException {
    byte[] recording = record(new VmmModel(version, amd));
    VmmModel kernel = new VmmModel(version, amd);
    Replayer.Result result = replayer.replay(recording, kernel, PROCESS);
    assertThat(result.console())
        .contains("0 differences, 0 abandoned, 0 ended early, 0 unreadable");
    assertThat(result.status()).isZero();
    assertNothingLeft(kernel);
  }

  @ParameterizedTest
  @CsvSource({"13,5", "14,1"})
  void olderRecordingsAreReplayedByTheFormsThatLaterKernelsKeep(int version, int differences)
      throws IOException {
    byte[] recording = record(new VmmModel(version, true));
    VmmModel kernel = new VmmModel(15, true);
    kernel.compatible = true;
    Replayer.Result result = replayer.replay(recording, kernel, PROCESS);
    // 15 has a control device, which the recording looked for in vain, and debugs on AMD.
    assertThat(result.console())
        .contains("open: result 0 was errno 2")
        .contains(" %d differences, 0 abandoned, ".formatted(differences));
    assertThat(result.status()).isEqualTo(1);
    assertNothingLeft(kernel);
  }

  @Test
  void anotherProcessorIsNoticedAndWhatFollowsIsLeftOut() throws IOException {
    byte[] recording = record(new VmmModel(15, true));
    VmmModel kernel = new VmmModel(15, false);
    Replayer.Result result = replayer.replay(recording, kernel, PROCESS);
    assertThat(result.console())
        .contains("a fetch outside memory: call")
        .contains("exitcode 0 was 0x13, is 0x1")
        .contains("a triple fault: call")
        .contains("an exit that the recording has not 0 was 0x0, is 0x1")
        .contains("VM_GET_CAPABILITY 0xc0107603: result 0 was errno 2, is 0x0")
        .contains(" 6 differences, 3 abandoned, ");
    assertNothingLeft(kernel);
  }

  @Test
  void missingModuleIsADifferenceAndNothingElseIsTried() throws IOException {
    byte[] recording = record(new VmmModel(15, true));
    VmmModel kernel = new VmmModel(15, true);
    kernel.loaded = false;
    Replayer.Result result = replayer.replay(recording, kernel, PROCESS);
    assertThat(result.console()).contains("open: result 0 was 0x3e8, is errno 2");
    assertThat(result.status()).isEqualTo(1);
  }

  @Test
  void namesAreThoseOfTheReplayingProcess() throws IOException {
    VmmModel recorded = new VmmModel(15, true);
    byte[] recording = record(recorded);
    VmmModel kernel = new VmmModel(15, true);
    replayer.replay(recording, kernel, PROCESS);
    List<String> before = recorded.calls.stream().filter(it -> it.contains("vmm/")).toList();
    List<String> now = kernel.calls.stream().filter(it -> it.contains("vmm/")).toList();
    assertThat(now).hasSameSizeAs(before).doesNotContainAnyElementsOf(before);
    // They are free to be replayed at the same time.
    VmmModel busy = new VmmModel(15, true);
    for (String name : before) {
      String vm = name.substring("open /dev/vmm/".length());
      busy.vms.put(vm, new ModelVm(busy, vm, busy.facts));
    }
    assertThat(replayer.replay(recording, busy, PROCESS).status()).isZero();
    assertThat(busy.vms).hasSameSizeAs(before);
  }

  /** With the compiler's checks of memory: what it reads, and what it gives a kernel to write. */
  @ParameterizedTest
  @ValueSource(ints = {13, 15})
  void changedAndCutRecordingsDoNoHarm(int version) throws IOException, InterruptedException {
    Path recording = Files.write(folder.resolve("run.vmm"), record(new VmmModel(version, true)));
    String program = folder.resolve("hostile").toString();
    List<String> command = new ArrayList<>();
    command.addAll(List.of("cc", "-std=c11", "-O1", "-Wall", "-Wextra", "-Werror", "-fno-builtin"));
    command.addAll(List.of("-fsanitize=address,undefined", "-fno-sanitize-recover=all"));
    command.addAll(List.of("-o", program));
    for (String source : List.of("hostile", "replay", "own", "sound", "compare")) {
      command.add(Replayer.SOURCES.resolve(source + ".c").toString());
    }
    Replayer.Ended compiled = Replayer.run(command.toArray(String[]::new));
    assumeTrue(compiled.status() == 0, compiled.output());
    String count = NIGHTLY ? "100000" : "500";
    Replayer.Ended ended = Replayer.run(program, recording.toString(), count);
    assertThat(ended.status()).as(ended.output()).isZero();
    assertThat(ended.output()).contains("hostile: " + count + " recordings");
  }

  /** Every call in turn is said to have failed. */
  @ParameterizedTest
  @ValueSource(ints = {13, 15})
  void otherResultOfAnyCallIsReported(int version) throws IOException {
    Recording recording = shortRecording(version);
    int number = 0;
    for (Recording.Call call : recording.calls()) {
      number++;
      byte[] changed = recording.whole();
      ByteBuffer.wrap(changed).order(ByteOrder.LITTLE_ENDIAN).putLong(call.at() + 16, -99);
      Replayer.Result result = replayer.replay(changed, new VmmModel(version, true), PROCESS);
      assertThat(result.console()).contains("call " + number + " ").contains("was errno 99");
      assertThat(result.status()).isEqualTo(1);
    }
  }

  /**
   * Every byte that a kernel gave is changed in turn: it is either compared or masked by a rule.
   */
  @ParameterizedTest
  @ValueSource(ints = {13, 15})
  void otherBytesAreReportedUnlessARuleMasksThem(int version) throws IOException {
    Recording recording = shortRecording(version);
    int compared = 0;
    int number = 0;
    for (Recording.Call call : recording.calls()) {
      number++;
      for (Recording.Buffer buffer : call.buffers()) {
        for (int i = 0; buffer.after() >= 0 && i < buffer.byteSize(); i += STRIDE) {
          byte[] changed = recording.flipped(buffer.after() + i);
          VmmModel kernel = new VmmModel(version, true);
          Replayer.Result result = replayer.replay(changed, kernel, PROCESS);
          boolean expected = isCompared(recording, call, buffer, i);
          assertThat(result.status())
              .as("call %d byte %d: %s", number, i, result.console())
              .isEqualTo(expected ? 1 : 0);
          compared += expected ? 1 : 0;
        }
      }
    }
    assertThat(compared).isGreaterThan(200 / STRIDE);
  }

  /** The rules, said once more: by the end of docs/bhyve-recordings.md. */
  private static boolean isCompared(
      Recording recording, Recording.Call call, Recording.Buffer buffer, int at) {
    if (call.number() == FreeBsdCall.SYSCTLBYNAME) {
      return false; // the host's own
    }
    int request = call.request();
    if (request == VmmIoctl.VMMCTL_VM_CREATE.code()
        || request == VmmIoctl.VMMCTL_VM_DESTROY.code()) {
      return false; // names
    }
    if (call.isRun()) {
      int exit = at - (buffer.byteSize() - (int) VmmRun.EXIT_BYTE_SIZE);
      int code = recording.intAt(buffer.after() + buffer.byteSize() - (int) VmmRun.EXIT_BYTE_SIZE);
      return switch (code) {
        case VmmExit.INOUT -> exit >= 0 && exit != 17 && exit < 24;
        case VmmExit.BOGUS -> exit >= 0 && exit < 4;
        case VmmExit.DEBUG -> exit >= 0 && exit < 8;
        case VmmExit.SUSPENDED -> exit >= 0 && exit < 20;
        default -> throw new AssertionError("exit code " + code);
      };
    }
    if (request == VmmIoctl.GET_REGISTER_SET.code()) {
      return buffer.parent() == 0; // the structure itself holds pointers
    }
    if (request == VmmIoctl.GET_REGISTER.code()) {
      return at >= 8;
    }
    return true;
  }

  /** One guest, few calls. */
  private static Recording shortRecording(int version) throws IOException {
    Path file = Files.createTempFile(folder, "short", ".vmm");
    BhyveOptions options = new BhyveOptions(false, Duration.ofMillis(100), Optional.of(file));
    try (BhyveHypervisor hypervisor =
            BhyveHypervisor.open(new VmmModel(version, true).host(), options);
        Vm vm = hypervisor.createVm(VmOptions.ofMemory(1 << 17));
        Vcpu vcpu = vm.createVcpu()) {
      byte[] code = HexFormat.of().parseHex("e712" + "e410" + "faf4");
      vcpu.writeState(X86LongMode.load(vm.memory(), code));
      ExitFrame exit = new ExitFrame();
      assertThat(vcpu.run(exit)).isEqualTo(ExitKind.IO_WRITE);
      assertThat(vcpu.run(exit)).isEqualTo(ExitKind.IO_READ);
      vcpu.kick();
      assertThat(vcpu.run(exit)).isEqualTo(ExitKind.INTERRUPTED);
      assertThat(vcpu.run(exit)).isEqualTo(ExitKind.HALT);
      vcpu.readState();
    }
    return new Recording(Files.readAllBytes(file));
  }

  @Test
  void courseThatDependsOnTimeEndsEarlyWithoutADifference() throws IOException {
    byte[] recording = record(new VmmModel(15, true));
    for (Recording.Entry each : new Recording(recording).entries()) {
      if (each instanceof Recording.Mark mark) {
        recording[mark.at() + 8] = RecordingWriter.DEPENDS_ON_TIME;
      }
    }
    Replayer.Result result = replayer.replay(recording, new VmmModel(15, false), PROCESS);
    assertThat(result.console()).contains(" 0 differences, 0 abandoned, 3 ended early, ");
    assertThat(result.status()).isZero();
  }

  @Test
  void recordingsFollowOneAnother() throws IOException {
    byte[] one = shortRecording(15).whole();
    byte[] three = new byte[3 * one.length];
    for (int i = 0; i < 3; i++) {
      System.arraycopy(one, 0, three, i * one.length, one.length);
    }
    Replayer.Result result = replayer.replay(three, new VmmModel(15, true), PROCESS);
    assertThat(result.counts()).startsWith("replay: 3 recordings, ");
    assertThat(result.status()).isZero();
  }

  /** Wherever it is cut off, which is never a call of a kernel with half of its arguments. */
  @Test
  void recordingThatIsCutOffIsUnreadable() throws IOException {
    byte[] whole = shortRecording(15).whole();
    for (int size = 0; size < whole.length; size += size < 400 ? 1 : 97) {
      byte[] cut = Arrays.copyOf(whole, size);
      VmmModel kernel = new VmmModel(15, true);
      Replayer.Result result = replayer.replay(cut, kernel, PROCESS);
      assertThat(result.status()).as(result.console()).isEqualTo(2);
      assertNothingLeft(kernel);
    }
  }

  @Test
  void otherFilesAreUnreadable() {
    for (byte[] other :
        List.of(
            new byte[4096], "a text that is none\n".repeat(40).getBytes(StandardCharsets.UTF_8))) {
      Replayer.Result result = replayer.replay(other, new VmmModel(15, true), PROCESS);
      assertThat(result.status()).isEqualTo(2);
      assertThat(result.counts()).contains(" 0 calls, ").contains(" 1 unreadable");
    }
  }
}
