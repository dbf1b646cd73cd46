// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tealight.BackendOptions;
import dev.tealight.ConfigurationException;
import dev.tealight.HypervisorUnavailableException;
import dev.tealight.ffi.posix.LinuxErrno;
import dev.tealight.spi.Availability;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Why there is no KVM, in words that help. */
class KvmAvailabilityTest {
  private final ScriptedKernel kernel = new ScriptedKernel();
  private final KvmHypervisorProvider provider = new KvmHypervisorProvider(() -> kernel);

  /** Both ways of asking give the same reason and leave nothing open. */
  private void assertUnavailable(String reason) {
    assertThat(provider.availability()).isEqualTo(new Availability.Unavailable(reason));
    kernel.calls.clear();
    assertThatThrownBy(() -> provider.open(Optional.empty()))
        .isInstanceOf(HypervisorUnavailableException.class)
        .hasMessage(reason);
    assertThat(kernel.descriptors).isEmpty();
  }

  @Test
  void kernelThatHasAllIsAvailable() {
    assertThat(provider.availability())
        .isEqualTo(new Availability.Available("/dev/kvm, API version 12"));
    assertThat(kernel.descriptors).isEmpty();
  }

  @Test
  void missingDeviceNodeIsNamed() {
    kernel.failing(0, LinuxErrno.ENOENT);
    assertUnavailable(
        "kvm: open failed: ENOENT (2): /dev/kvm: the kernel offers no KVM: load kvm_intel or"
            + " kvm_amd, or let this machine or container have the device");
  }

  @Test
  void missingPermissionNamesTheGroup() {
    kernel.failing(0, LinuxErrno.EACCES);
    assertUnavailable(
        "kvm: open failed: EACCES (13): /dev/kvm: this user may not use it: add the user to the"
            + " group that owns it, often kvm");
  }

  @Test
  void otherErrorsAreReportedAsTheyAre() {
    kernel.failing(0, LinuxErrno.ENXIO);
    assertUnavailable(
        "kvm: open failed: ENXIO (6): /dev/kvm: the device is there but does not work");
  }

  @Test
  void otherApiVersionIsRefused() {
    kernel.answers.put(KvmIoctl.GET_API_VERSION.code(), argument -> 11);
    assertUnavailable("kvm: /dev/kvm has API version 11, only 12 is known");
  }

  @Test
  void missingCapabilitiesAreNamed() {
    kernel.answers.put(
        KvmIoctl.CHECK_EXTENSION.code(),
        cap ->
            cap == KvmCap.READONLY_MEM.number() || cap == KvmCap.IMMEDIATE_EXIT.number() ? 0 : 1);
    assertUnavailable(
        "kvm: /dev/kvm lacks KVM_CAP_READONLY_MEM, KVM_CAP_IMMEDIATE_EXIT: a newer kernel is"
            + " needed, or another kind of host");
  }

  @Test
  void kickSignalOfSomebodyElseIsNamed() {
    kernel.handler = 0x777;
    assertUnavailable(
        "signal 42, which interrupts running guests, is already handled by code at 0x777 in this"
            + " process: keep that library from using it");
    assertThat(kernel.handler).isEqualTo(0x777);
  }

  @Test
  void askingInstallsNoSignalHandler() {
    assertThat(provider.availability()).isInstanceOf(Availability.Available.class);
    assertThat(kernel.handler).isZero();
  }

  @Test
  void deniedNativeAccessAndUnknownSystemsAreReported() {
    KvmHypervisorProvider denied =
        new KvmHypervisorProvider(
            () -> {
              throw new IllegalCallerException("the JVM denies native access");
            });
    assertThat(denied.availability())
        .isEqualTo(new Availability.Unavailable("kvm: the JVM denies native access"));
    KvmHypervisorProvider elsewhere =
        new KvmHypervisorProvider(
            () -> {
              throw new UnsupportedOperationException("no system calls for Plan9");
            });
    assertThat(elsewhere.availability())
        .isEqualTo(new Availability.Unavailable("kvm: no system calls for Plan9"));
  }

  @Test
  void optionsOfAnotherBackendAreRefused() {
    BackendOptions other = () -> "bhyve";
    assertThatThrownBy(() -> provider.open(Optional.of(other)))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("backend kvm was given options of backend bhyve");
  }
}
