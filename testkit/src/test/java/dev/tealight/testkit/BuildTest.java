// SPDX-License-Identifier: ISC

package dev.tealight.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tealight.ConfigurationException;
import dev.tealight.DeviceException;
import dev.tealight.HostCallException;
import dev.tealight.Hypervisor;
import dev.tealight.Hypervisors;
import dev.tealight.Monitor;
import dev.tealight.MonitorObserver;
import dev.tealight.RunResult.Halted;
import dev.tealight.device.Device;
import dev.tealight.device.DeviceConfig;
import dev.tealight.device.DeviceContext;
import dev.tealight.device.DeviceHypercall;
import dev.tealight.device.Outcome;
import dev.tealight.spi.BootImage;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Building a monitor: what is refused, and that what fails leaves nothing. */
@Timeout(60)
class BuildTest {
  private final MockHypervisor mock = new MockHypervisor(GuestScript.exits(ScriptedBoot.end(0)));
  private final List<String> closed = new ArrayList<>();

  /** A device that tells when it is closed, and may fail to start. */
  private final class Probe implements Device {
    private final String name;
    private final String type;
    private final boolean fails;

    Probe(String name, String type, boolean fails) {
      this.name = name;
      this.type = type;
      this.fails = fails;
    }

    @Override
    public String type() {
      return type;
    }

    @Override
    public void activate(DeviceContext context) {
      if (fails) {
        throw new DeviceException("device %s cannot be activated".formatted(context.name()));
      }
    }

    @Override
    public void close() {
      closed.add(name);
    }
  }

  private DeviceConfig probe(String type) {
    return name -> new Probe(name, type, false);
  }

  private Monitor.Builder builder(String... types) {
    return Scripted.builder(mock, new ScriptedBoot(types));
  }

  private void assertNothingIsOpen() {
    assertThat(mock.openResources()).isEmpty();
    mock.close();
  }

  // Devices and the manifest.

  @Test
  void declaredDeviceThatIsNotAttachedIsRefusedBeforeAnyVm() {
    assertThatThrownBy(() -> builder("DISK", "LAMP").device("device1", probe("DISK")).build())
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(
            "device device2 of type LAMP is declared by scripted but not attached: attach one by"
                + " this name; its manifest has device1 (DISK), device2 (LAMP)");
    assertThat(mock.vms()).isEmpty();
    assertNothingIsOpen();
  }

  @Test
  void attachedDeviceThatIsNotDeclaredIsRefusedBeforeAnyVm() {
    assertThatThrownBy(
            () ->
                builder("DISK")
                    .device("device1", probe("DISK"))
                    .device("other", probe("DISK"))
                    .build())
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(
            "device other is attached but not declared by scripted; its manifest has"
                + " device1 (DISK)");
    assertThat(mock.vms()).isEmpty();
    assertThat(closed).isEmpty();
    assertNothingIsOpen();
  }

  @Test
  void guestWithoutDevicesSaysSo() {
    assertThatThrownBy(() -> builder().device("disk", probe("DISK")).build())
        .hasMessageEndingWith("its manifest has no devices");
  }

  @Test
  void deviceOfAnotherTypeIsRefusedBeforeAnyVmAndNamesBothTypes() {
    assertThatThrownBy(() -> builder("DISK").device("device1", probe("LAMP")).build())
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(
            "device device1 is declared by scripted with type DISK but attached with type LAMP;"
                + " its manifest has device1 (DISK)");
    assertThat(mock.vms()).isEmpty();
    assertThat(closed).containsExactly("device1");
    assertNothingIsOpen();
  }

  @Test
  void deviceOfAnotherTypeIsRefusedBeforeAnyHypervisor() {
    assertThatThrownBy(
            () ->
                Monitor.builder()
                    .image("scripted", new byte[0])
                    .bootProtocol(new ScriptedBoot("DISK"))
                    .device("device1", probe("LAMP"))
                    .backend("none")
                    .build())
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("attached with type LAMP");
  }

  @Test
  void deviceAttachedTwiceIsRefused() {
    assertThatThrownBy(
            () -> builder("DISK").device("device1", probe("A")).device("device1", probe("B")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("device device1 is attached twice");
  }

  @Test
  void devicesOfAConfigurationAreClosedWithTheMonitorLastOneFirst() {
    builder("DISK", "DISK")
        .device("device1", probe("DISK"))
        .device("device2", probe("DISK"))
        .build()
        .close();
    assertThat(closed).containsExactly("device2", "device1");
    assertNothingIsOpen();
  }

  @Test
  void deviceThatTheEmbedderMadeStaysOpen() {
    builder("DISK").device("device1", new Probe("own", "DISK", false)).build().close();
    assertThat(closed).isEmpty();
    assertNothingIsOpen();
  }

  // Failing half-way.

  @ParameterizedTest
  @EnumSource(names = {"CREATE_WAITER", "CREATE_VM", "CREATE_VCPU"})
  void failureOfTheHostFreesWhatWasMade(MockOperation operation) {
    HostCallException failure = new HostCallException("call", 12, "ENOMEM", "");
    mock.fail(operation, () -> failure);
    Monitor.Builder builder = builder("DISK").device("device1", probe("DISK"));
    assertThatThrownBy(builder::build).isSameAs(failure);
    assertThat(closed).containsExactly("device1");
    assertThat(mock.openResources()).isEmpty();
    builder.build().close();
    assertNothingIsOpen();
  }

  @Test
  void deviceThatCannotBeMadeFreesThoseBefore() {
    DeviceException failure = new DeviceException("no such file");
    DeviceConfig failing =
        name -> {
          throw failure;
        };
    assertThatThrownBy(
            () ->
                builder("DISK", "DISK")
                    .device("device1", probe("DISK"))
                    .device("device2", failing)
                    .build())
        .isSameAs(failure);
    assertThat(closed).containsExactly("device1");
    assertThat(mock.vms()).isEmpty();
    assertNothingIsOpen();
  }

  @Test
  void deviceThatCannotBeActivatedFreesEverything() {
    DeviceConfig failing = name -> new Probe(name, "DISK", true);
    assertThatThrownBy(
            () ->
                builder("DISK", "DISK")
                    .device("device1", probe("DISK"))
                    .device("device2", failing)
                    .build())
        .hasMessage("device device2 cannot be activated");
    assertThat(closed).containsExactly("device2", "device1");
    assertNothingIsOpen();
  }

  @Test
  void handlerThatIsTakenFreesEverythingAndNamesBothOwners() {
    assertThatThrownBy(() -> builder().hypercall(255, "MINE", call -> Outcome.CONTINUE).build())
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("hypercall 255 of MINE is taken by END");
    assertNothingIsOpen();
  }

  @Test
  void twoDevicesShareAHypercallAndAnEmbedderDoesNot() {
    DeviceHypercall shared = new DeviceHypercall(9, "SHARED", 16, 8);
    DeviceConfig config =
        name ->
            new Device() {
              @Override
              public String type() {
                return "DISK";
              }

              @Override
              public void activate(DeviceContext context) {
                context.hypercall(shared, call -> Outcome.CONTINUE);
              }

              @Override
              public void close() {}
            };
    Monitor.Builder builder =
        builder("DISK", "DISK").device("device1", config).device("device2", config);
    builder.build().close();
    builder.hypercall(9, "MINE", call -> Outcome.CONTINUE);
    assertThatThrownBy(builder::build).hasMessage("hypercall 9 of MINE is taken by SHARED");
    assertNothingIsOpen();
  }

  // The shared hypervisor.

  @Test
  void monitorsThatNameABackendShareItUntilTheLastIsClosed() {
    Monitor.Builder builder =
        Monitor.builder()
            .image("scripted", new byte[0])
            .bootProtocol(new ScriptedBoot())
            .memoryByteSize(1 << 20)
            .backend("mock");
    Monitor one = builder.build();
    Monitor other = builder.build();
    MockHypervisor shared = (MockHypervisor) one.hypervisor();
    assertThat(other.hypervisor()).isSameAs(shared);
    one.close();
    one.close();
    assertThat(shared.isClosed()).isFalse();
    other.close();
    assertThat(shared.isClosed()).isTrue();
    try (Monitor next = builder.build()) {
      assertThat(next.hypervisor()).isNotSameAs(shared);
    }
  }

  @Test
  void monitorThatCannotBeBuiltGivesItsShareBack() {
    Monitor.Builder builder =
        Monitor.builder()
            .image("scripted", new byte[0])
            .bootProtocol(new ScriptedBoot())
            .memoryByteSize(1 << 20)
            .backend("mock");
    MockHypervisor shared;
    try (Monitor monitor = builder.build()) {
      shared = (MockHypervisor) monitor.hypervisor();
      shared.fail(MockOperation.CREATE_VM, () -> new HostCallException("x", 1, "EPERM", ""));
      assertThatThrownBy(builder::build).isInstanceOf(HostCallException.class);
    }
    assertThat(shared.isClosed()).isTrue();
  }

  @Test
  void givenHypervisorStaysOpen() throws InterruptedException {
    try (Monitor monitor = builder().build()) {
      assertThat(monitor.run()).isEqualTo(new Halted(0));
    }
    assertThat(mock.isClosed()).isFalse();
    assertNothingIsOpen();
  }

  @Test
  void mockIsTakenByItsNameOnly() {
    try (Hypervisor named = Hypervisors.open("mock")) {
      assertThat(named).isInstanceOf(MockHypervisor.class);
    }
    assertThat(Hypervisors.installed())
        .filteredOn(provider -> provider.name().equals("mock"))
        .allSatisfy(provider -> assertThat(provider.preference()).isEmpty());
  }

  @Test
  void unknownBackendIsRefusedWithThoseThatThereAre() {
    assertThatThrownBy(() -> Hypervisors.open("xen"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageStartingWith("backend xen is not installed, there is: ")
        .hasMessageContaining("mock");
  }

  @Test
  void nameIsTheImagesUnlessItIsSetBeforeOrAfterTheImage() {
    try (Monitor unnamed = builder().build();
        Monitor named = builder().name("after").build();
        Monitor before =
            Monitor.builder()
                .name("before")
                .image("image", new byte[0])
                .bootProtocol(new ScriptedBoot())
                .hypervisor(mock)
                .build()) {
      assertThat(unnamed.name()).isEqualTo("scripted");
      assertThat(named.name()).isEqualTo("after");
      assertThat(before.name()).isEqualTo("before");
    }
    assertNothingIsOpen();
  }

  @Test
  void observerThatFailsWithAnErrorLeavesNothing() {
    AssertionError error = new AssertionError("observer");
    Monitor.Builder builder =
        builder()
            .observer(
                new MonitorObserver() {
                  @Override
                  public void created(Monitor monitor) {
                    throw error;
                  }
                });
    assertThatThrownBy(builder::build).isSameAs(error);
    assertNothingIsOpen();
  }

  @Test
  @SuppressWarnings("NullAway") // it is what callers without it get
  void nothingThatIsNullIsTaken() {
    Monitor.Builder builder = builder();
    assertThatThrownBy(() -> builder.device("d", (DeviceConfig) null)).hasMessage("config");
    assertThatThrownBy(() -> builder.device("d", (Device) null)).hasMessage("device");
    assertThatThrownBy(() -> builder.hypercall(40, "CALL", null)).hasMessage("handler");
    assertThatThrownBy(() -> builder.image(null, new byte[0])).hasMessage("name");
  }

  @Test
  void handleOfADeviceIsOneThatAReadySetHasABitFor() {
    assertThatThrownBy(() -> new BootImage.DeclaredDevice("d", "PROBE", 64))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("device d has the handle 64: give 1 to 63, each once");
  }

  @Test
  void monitorWithoutImageIsRefused() {
    assertThatThrownBy(() -> Monitor.builder().build())
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("no image was given: call image(…)");
  }
}
