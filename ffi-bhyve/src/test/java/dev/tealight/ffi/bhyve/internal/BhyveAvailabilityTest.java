// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.tealight.BackendOptions;
import dev.tealight.ConfigurationException;
import dev.tealight.HypervisorUnavailableException;
import dev.tealight.ffi.bhyve.BhyveOptions;
import dev.tealight.ffi.posix.FreeBsdErrno;
import dev.tealight.spi.Availability;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Why there is no bhyve, in words that help. */
class BhyveAvailabilityTest {

  private static BhyveHypervisorProvider provider(VmmModel kernel) {
    return new BhyveHypervisorProvider(kernel::host);
  }

  /** Both ways of asking give the same reason and leave nothing behind. */
  private static void assertUnavailable(VmmModel kernel, String... parts) {
    BhyveHypervisorProvider provider = provider(kernel);
    Availability availability = provider.availability();
    assertThat(availability).isInstanceOf(Availability.Unavailable.class);
    String reason = ((Availability.Unavailable) availability).reason();
    assertThat(reason).contains(parts).startsWith("bhyve: ");
    assertThatThrownBy(() -> provider.open(Optional.empty()))
        .isInstanceOf(HypervisorUnavailableException.class)
        .hasMessage(reason);
    assertNothingLeft(kernel);
  }

  private static void assertNothingLeft(VmmModel kernel) {
    assertThat(kernel.descriptors).isEmpty();
    assertThat(kernel.vms).isEmpty();
  }

  @Test
  void kernelThatHasAllIsAvailable() {
    VmmModel control = new VmmModel(15, true);
    assertThat(provider(control).availability())
        .isEqualTo(
            new Availability.Available("FreeBSD 15 vmm by /dev/vmmctl, kern.osreldate=1501000"));
    assertNothingLeft(control);
    VmmModel sysctl = new VmmModel(13, true);
    assertThat(provider(sysctl).availability())
        .isEqualTo(
            new Availability.Available("FreeBSD 13 vmm by hw.vmm.create, kern.osreldate=1301000"));
    assertNothingLeft(sysctl);
  }

  @ParameterizedTest
  @ValueSource(ints = {13, 14, 15})
  void moduleThatIsNotLoadedIsNamed(int version) {
    VmmModel kernel = new VmmModel(version, true);
    kernel.loaded = false;
    assertUnavailable(kernel, "ENOENT (2)", "vmm.ko is not loaded: run kldload vmm");
  }

  @ParameterizedTest
  @ValueSource(ints = {13, 14, 15})
  void processorWithoutVirtualisationIsNamed(int version) {
    VmmModel kernel = new VmmModel(version, true);
    kernel.hardware = false;
    assertUnavailable(kernel, "ENXIO (6)", "this processor cannot run guests");
  }

  @ParameterizedTest
  @ValueSource(ints = {13, 14, 15})
  void missingPermissionNamesRootGroupAndJail(int version) {
    VmmModel kernel = new VmmModel(version, true);
    kernel.root = false;
    assertUnavailable(kernel, "be root", "the group vmm", "allow.vmm");
  }

  @Test
  void otherErrorsAreReportedAsTheyAre() {
    assertThat(reason(new VmmModel(15, true).failing(1, FreeBsdErrno.EIO)))
        .isEqualTo("bhyve: open failed: EIO (5): /dev/vmmctl: vmm is there but does not work");
    assertThat(reason(new VmmModel(15, true).failing(0, FreeBsdErrno.ENOENT)))
        .isEqualTo("bhyve: sysctlbyname failed: ENOENT (2): kern.osreldate");
  }

  private static String reason(VmmModel kernel) {
    return ((Availability.Unavailable) provider(kernel).availability()).reason();
  }

  @Test
  void systemThatIsTooOldIsRefused() {
    VmmModel kernel = new VmmModel(13, true);
    kernel.osRelease = 1_204_000;
    assertUnavailable(kernel, "FreeBSD 12", "kern.osreldate=1204000", "13 or newer is needed");
  }

  @Test
  void otherSystemsAreNamed() {
    String os = System.getProperty("os.name");
    assumeFalse(os.equals("FreeBSD"), "this is FreeBSD");
    assertThat(new BhyveHypervisorProvider().availability())
        .isEqualTo(new Availability.Unavailable("bhyve: not FreeBSD, this is " + os));
  }

  @Test
  void bhyveIsTriedAfterKvmAndBeforeTheSoftwareCpu() {
    assertThat(new BhyveHypervisorProvider().preference().orElseThrow()).isBetween(11, 999);
  }

  @Test
  void optionsOfAnotherBackendAreRefused() {
    BackendOptions other = () -> "kvm";
    assertThatThrownBy(() -> provider(new VmmModel(15, true)).open(Optional.of(other)))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("backend bhyve was given options of backend kvm");
    assertThatThrownBy(() -> new BhyveOptions(false, Duration.ZERO))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("give a positive duration");
  }

  @Test
  void vmsOfEndedProcessesAreFoundByTheirNames() {
    assertThat(
            VmNames.stale(
                List.of(
                    "tealight-7-0000000a",
                    "tealight-8-0000000b",
                    "tealight-7-0000000A",
                    "tealight-7",
                    "other-7-0000000a",
                    "x-tealight-7-0000000a",
                    "tealight-99999999999-0000000a"),
                process -> process == 8))
        .containsExactly("tealight-7-0000000a");
    assertThat(VmNames.stale(List.of(VmNames.unused()), process -> false)).hasSize(1);
    assertThat(VmNames.unused()).hasSizeLessThan(VmmStructs.NAME_ROOM);
  }

  @ParameterizedTest
  @ValueSource(ints = {13, 14, 15})
  void staleVmsAreRemovedWhenAskedForAndOnlyThen(int version) {
    VmmModel kernel = new VmmModel(version, true);
    String stale = "tealight-1-0000000a";
    String own = VmNames.unused();
    for (String name : List.of(stale, own, "freebsd-guest")) {
      kernel.vms.put(name, new ModelVm(kernel, name, kernel.facts));
    }
    BhyveHypervisor.open(kernel.host(), BhyveOptions.DEFAULT).close();
    assertThat(kernel.vms).containsKeys(stale, own, "freebsd-guest");
    BhyveOptions removing = new BhyveOptions(true, BhyveOptions.DEFAULT.stallLimit());
    BhyveHypervisor.open(kernel.host(), removing).close();
    assertThat(kernel.vms).containsOnlyKeys(own, "freebsd-guest");
  }
}
