// SPDX-License-Identifier: ISC
package dev.tealight.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tealight.ConfigurationException;
import dev.tealight.ImageException;
import dev.tealight.build.MonitorPlan.LinkedModule;
import dev.tealight.testkit.Guests;
import dev.tealight.testkit.VirtioImage;
import dev.tealight.testkit.VirtioImage.Device;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a monitor will consist of, and what is refused before anything is linked. */
class MonitorBuildTest {
  @TempDir Path folder;

  private MonitorBuild build(String guest) throws IOException {
    return MonitorBuild.of(Guests.copyTo(folder, guest)).backends("softcpu");
  }

  private static void assertRefused(MonitorBuild build, String message) {
    assertThatThrownBy(build::plan)
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining(message);
  }

  @Test
  void guestWithoutDevicesNeedsNoNativeCodeOnTheSoftwareProcessor() throws IOException {
    MonitorPlan plan = build("hello").plan();
    assertThat(plan.name()).isEqualTo("hello");
    assertThat(plan.target()).isEqualTo("hvt");
    assertThat(plan.modules())
        .extracting(LinkedModule::name)
        .containsExactly(
            "dev.tealight",
            "dev.tealight.launch",
            "dev.tealight.softcpu",
            "java.base",
            "org.slf4j");
    assertThat(LauncherScript.of(plan))
        .contains("-m dev.tealight.launch/dev.tealight.launch.Main")
        .doesNotContain("native-access");
  }

  @Test
  void everyModuleHasAReason() throws IOException {
    assertThat(build("bootinfo_both").backends("kvm", "softcpu").plan().modules())
        .contains(
            new LinkedModule("dev.tealight.ffi.kvm", "backend kvm"),
            new LinkedModule("dev.tealight.softcpu", "backend softcpu"),
            new LinkedModule("dev.tealight.device.block", "device storage (BLOCK_BASIC)"),
            new LinkedModule("dev.tealight.device.net", "device service0 (NET_BASIC)"),
            new LinkedModule(
                "dev.tealight.ffi.posix",
                "required by dev.tealight.device.net, dev.tealight.ffi.kvm"));
    assertThat(build("bootinfo_blk").plan().modules())
        .contains(
            new LinkedModule(
                "dev.tealight.device.block",
                "device first (BLOCK_BASIC), device second (BLOCK_BASIC)"));
  }

  @Test
  void monitorWithDevicesStartsWhereTheirOptionsAreRead() throws IOException {
    assertThat(LauncherScript.of(build("blk").plan()))
        .contains("-m dev.tealight.options/dev.tealight.options.Main");
  }

  @Test
  void imageForVirtioNeedsWhatIsAroundItsProcessor() throws IOException {
    Path image = folder.resolve("kernel.virtio");
    Files.write(image, VirtioImage.of(Guests.kernel("pc")));
    MonitorPlan console = MonitorBuild.of(image).backends("softcpu").plan();
    assertThat(console.target()).isEqualTo("virtio");
    assertThat(console.modules())
        .contains(new LinkedModule("dev.tealight.device.pc", "platform pc"))
        .extracting(LinkedModule::name)
        .containsExactly(
            "dev.tealight",
            "dev.tealight.device.pc",
            "dev.tealight.launch",
            "dev.tealight.softcpu",
            "java.base",
            "org.slf4j");
    Files.write(
        image, VirtioImage.of(Guests.kernel("pc"), new Device("disk", 1), new Device("eth", 2)));
    assertThat(MonitorBuild.of(image).backends("softcpu").plan().modules())
        .contains(
            new LinkedModule("dev.tealight.device.virtio", "shows devices to the guest"),
            new LinkedModule("dev.tealight.device.block", "device disk (BLOCK_BASIC)"),
            new LinkedModule("dev.tealight.device.net", "device eth (NET_BASIC)"));
  }

  @Test
  void unknownTypeOfDeviceIsRefusedByName() throws IOException {
    assertRefused(
        build("hypercall_custom"),
        "declares device custom of type 0x3, which no installed module makes (they make:"
            + " BLOCK_BASIC, NET_BASIC)");
  }

  @Test
  void backendThatIsNotInstalledIsRefusedByName() throws IOException {
    assertRefused(build("hello").backends("xen"), "backend xen is not installed, there is: ");
    assertRefused(build("hello").backends(), "no backend was given");
    assertRefused(build("hello").backends("kvm", "kvm"), "backend given twice");
  }

  @Test
  void optionsThatCannotBeAreRefused() throws IOException {
    assertRefused(build("hello").memoryMib(0), "guest memory of 0 MiB");
    assertRefused(build("hello").deadline(Duration.ZERO), "deadline of PT0S");
    assertRefused(build("hello").deadline(Duration.ofDays(200_000)), "deadline of PT4800000H");
    assertRefused(build("hello").backends("kvm").ring3("sometimes"), "give auto, never or always");
    assertRefused(build("hello").ring3("never"), "for the backend kvm alone, not for softcpu");
    assertRefused(
        build("hello").deviceOptions(List.of("--block:storage=disk")), "declares no devices");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "-x", "a/b", "..", ".hidden", "runtime", "kvm.aot", "a b", "a;b"})
  void namesThatMakeNoLauncherAreRefused(String name) throws IOException {
    assertRefused(build("hello").name(name), "name " + name + ": give letters");
  }

  @Test
  void imageThatIsNoneIsRefused() {
    assertThatThrownBy(() -> MonitorBuild.of(Path.of("pom.xml")).plan())
        .isInstanceOf(ImageException.class);
    assertThatThrownBy(() -> MonitorBuild.of(folder.resolve("missing")).plan())
        .isInstanceOf(ImageException.class)
        .hasMessageContaining("no such file");
  }

  @Test
  void folderThatHoldsSomethingElseIsLeftAlone() throws IOException {
    Path precious = Files.writeString(folder.resolve("precious"), "data");
    MonitorBuild build = build("hello");
    assertThatThrownBy(() -> build.to(folder))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("exists and is no built monitor");
    assertThat(precious).hasContent("data");
    assertThatThrownBy(() -> MonitorDirectory.open(folder))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("is no built monitor");
  }

  @Test
  void jmodsThatAreNoneAreRefusedAndNothingIsLeftBehind() throws IOException {
    Path empty = Files.createDirectory(folder.resolve("empty"));
    MonitorBuild build = build("hello").jmods(empty);
    assertThatThrownBy(() -> build.to(folder.resolve("monitor")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("there is no java.base.jmod in " + empty);
    try (var files = Files.list(folder)) {
      assertThat(files).containsExactlyInAnyOrder(empty, folder.resolve("hello.hvt"));
    }
  }

  @Test
  void interruptedBuildLeavesNeitherFilesNorProcesses() throws IOException {
    MonitorBuild build =
        build("hello")
            .progress(
                line -> {
                  if (line.startsWith("linking")) {
                    Thread.currentThread().interrupt();
                  }
                });
    assertThatThrownBy(() -> build.to(folder.resolve("monitor")))
        .isInstanceOf(InterruptedException.class);
    try (var files = Files.list(folder)) {
      assertThat(files).containsExactly(folder.resolve("hello.hvt"));
    }
    assertThat(ProcessHandle.current().children()).isEmpty();
  }
}
