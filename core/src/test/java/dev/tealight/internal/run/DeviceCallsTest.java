// SPDX-License-Identifier: ISC
package dev.tealight.internal.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.tealight.ConfigurationException;
import dev.tealight.ExitKind;
import dev.tealight.Image;
import dev.tealight.RunResult;
import dev.tealight.device.DeviceHypercall;
import dev.tealight.device.GuestCall;
import dev.tealight.device.GuestCallHandler;
import dev.tealight.device.Outcome;
import dev.tealight.fake.FakeBoot;
import dev.tealight.internal.run.RunLoop.Step;
import dev.tealight.solo5.HvtAbi;
import dev.tealight.solo5.ImageBuilder;
import dev.tealight.solo5.Solo5Hvt;
import dev.tealight.spi.BootImage.DeclaredDevice;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which device gets a hypercall. */
class DeviceCallsTest {
  private static final long MEMORY = 4 << 20;
  private static final long BLOCK = 0x200000;
  private static final long READ_ONLY = 0x101000;
  private static final DeviceHypercall READ = new DeviceHypercall(5, "BLOCK_READ", 40, 32);

  private final FakeBoot boot = new FakeBoot(MEMORY);
  private final DeviceCalls calls = new DeviceCalls(boot.registry());
  private final List<String> served = new ArrayList<>();
  private final RunLoop loop;

  DeviceCallsTest() {
    byte[] image = ImageBuilder.hello().build();
    boot.boot(image);
    calls.register(READ, device("a", 1), serve("a"));
    calls.register(READ, device("b", 63), serve("b"));
    loop = boot.loop(Solo5Hvt.open(Image.of("test", image)));
  }

  private static DeclaredDevice device(String name, int handle) {
    return new DeclaredDevice(name, "BLOCK_BASIC", handle);
  }

  private GuestCallHandler serve(String name) {
    return call -> {
      served.add(name);
      return Outcome.CONTINUE;
    };
  }

  @AfterEach
  void close() {
    boot.close();
  }

  private Step call(long block, long handle) {
    boot.vm().memory().unrestricted().set(ValueLayout.JAVA_LONG_UNALIGNED, block, handle);
    return call(block);
  }

  private Step call(long block) {
    boot.vcpu().guest =
        exit -> {
          boot.vcpu().kick();
          return exit.access(ExitKind.IO_WRITE, 0x505, 4, block);
        };
    return loop.step();
  }

  private int result() {
    return boot.vm().memory().readInt(BLOCK + 32);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 0x1_0000_0001L, 0xffff_ffff_0000_0001L, Long.MIN_VALUE | 1})
  void handleIsTheLow32Bits(long handle) {
    assertThat(call(BLOCK, handle)).isEqualTo(Step.READY);
    assertThat(served).containsExactly("a");
  }

  @Test
  void eachDeviceGetsItsOwnCalls() {
    call(BLOCK, 63);
    call(BLOCK, 1);

    assertThat(served).containsExactly("b", "a");
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 2, 62, 64, 0x7fff_ffff, 0x8000_0000L, 0xffff_ffffL, -1, Long.MIN_VALUE})
  void handleOfNoSuchDeviceIsEinval(long handle) {
    assertThat(call(BLOCK, handle)).isEqualTo(Step.READY);
    assertThat(result()).isEqualTo(HvtAbi.RESULT_EINVAL);
    assertThat(served).isEmpty();
  }

  @Test
  void einvalLeavesThePaddingAlone() {
    boot.vm().memory().writeLong(BLOCK + 32, -1);
    call(BLOCK, 0);

    assertThat(boot.vm().memory().readLong(BLOCK + 32)).isEqualTo(0xffff_ffff_0000_0002L);
  }

  @ParameterizedTest
  @ValueSource(longs = {MEMORY - 39, MEMORY - 1, MEMORY, 0xffff_ffffL})
  void blockThatIsNotAllInMemoryIsAFault(long block) {
    assertThat(call(block)).isEqualTo(Step.ENDED);
    assertThat(((RunResult.Faulted) loop.result()).reason())
        .isEqualTo(
            "BLOCK_READ: range gpa=0x%x byteSize=40 is outside guest memory of 4194304 bytes at instruction 0x100020"
                .formatted(block));
    assertThat(served).isEmpty();
  }

  @Test
  void blockThatEndsWithMemoryIsServed() {
    call(MEMORY - 40, 1);

    assertThat(served).containsExactly("a");
  }

  @Test
  void resultThatCannotBeStoredIsAFault() {
    assertThat(call(READ_ONLY, 9)).isEqualTo(Step.ENDED);
    assertThat(((RunResult.Faulted) loop.result()).reason())
        .isEqualTo(
            "BLOCK_READ: write of gpa=0x101020 byteSize=4 is forbidden by the protection of its"
                + " region at instruction 0x100020");
  }

  @Test
  void callGoesOnWithTheDeviceThatWaitedEvenIfTheGuestChangesTheHandle() {
    calls.register(READ, device("slow", 2), new Slow());

    assertThat(call(BLOCK, 2)).isEqualTo(Step.WAITING);
    boot.vm().memory().writeLong(BLOCK, 1);
    assertThat(loop.step()).isEqualTo(Step.READY);
    assertThat(served).containsExactly("slow");
  }

  private final class Slow implements GuestCallHandler {
    @Override
    public Outcome handle(GuestCall call) {
      return call.waitFor(0, List.of());
    }

    @Override
    public Outcome resume(GuestCall call) {
      served.add("slow");
      return Outcome.CONTINUE;
    }
  }

  @Test
  void deviceThatRegistersACallTwiceIsRefused() {
    assertThatExceptionOfType(ConfigurationException.class)
        .isThrownBy(() -> calls.register(READ, device("a", 1), serve("again")))
        .withMessage("device a registers BLOCK_READ twice");
  }

  @Test
  void deviceCallUnderATakenNumberNamesBothOwners() {
    assertThatExceptionOfType(ConfigurationException.class)
        .isThrownBy(
            () ->
                calls.register(new DeviceHypercall(1, "MINE", 8, 0), device("a", 1), serve("mine")))
        .withMessage("hypercall 1 of MINE is taken by WALLTIME");
  }
}
