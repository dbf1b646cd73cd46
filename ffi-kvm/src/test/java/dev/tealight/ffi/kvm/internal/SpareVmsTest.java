// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.ExitFrame;
import dev.tealight.Protection;
import dev.tealight.Region;
import dev.tealight.Vcpu;
import dev.tealight.Vm;
import dev.tealight.VmOptions;
import dev.tealight.VmmException;
import dev.tealight.ffi.kvm.KvmOptions;
import dev.tealight.ffi.posix.Ioctl;
import dev.tealight.ffi.posix.LinuxErrno;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Which VMs are prepared, and what is left of them, at every call to the host. */
@Timeout(60)
class SpareVmsTest {
  private static final VmOptions SMALL = VmOptions.ofMemory(1L << 20);

  /** With a part of which the slot is prepared. */
  private static final VmOptions LARGE = VmOptions.ofMemory(MemorySlots.PREPARED_FROM + (1L << 20));

  private static final KvmOptions OPTIONS = KvmOptions.DEFAULT.withSpareVm();

  private final ScriptedKernel kernel = new ScriptedKernel();

  private static KvmHypervisor open(ScriptedKernel kernel) {
    return KvmHypervisor.open(kernel, OPTIONS);
  }

  /** Creates a VM; the background is done when it returns. */
  private static Vm create(KvmHypervisor hypervisor, VmOptions options)
      throws InterruptedException {
    Vm vm = hypervisor.createVm(options);
    settle(hypervisor);
    return vm;
  }

  private static void settle(KvmHypervisor hypervisor) throws InterruptedException {
    try {
      hypervisor.settle();
    } catch (ExecutionException e) {
      throw new AssertionError(e);
    }
  }

  /** Three guests: the second one has a spare prepared, on which the third one runs. */
  private static void createAll(ScriptedKernel kernel, VmOptions options)
      throws InterruptedException {
    try (KvmHypervisor hypervisor = open(kernel)) {
      for (int round = 0; round < 3; round++) {
        try (Vm vm = create(hypervisor, options)) {
          vm.protect(List.of(new Region(0x1000, 0x1000, Protection.READ_ONLY)));
          Vcpu vcpu = vm.createVcpu();
          vcpu.writeState(vcpu.readState());
          vcpu.run(new ExitFrame());
        }
        settle(hypervisor);
      }
    }
  }

  private static void assertNothingLeft(ScriptedKernel kernel) {
    assertThat(kernel.descriptors).as("descriptors").isEmpty();
    assertThat(kernel.mappings).as("mappings").isEmpty();
  }

  private int created() {
    return Collections.frequency(
        List.copyOf(kernel.calls), "ioctl 0x%x".formatted(KvmIoctl.CREATE_VM.code()));
  }

  @Test
  void everythingIsFreedWhicheverCallFailsAndNobodyFeelsItInTheBackground()
      throws InterruptedException {
    createAll(kernel, SMALL);
    assertNothingLeft(kernel);
    int inBackground = 0;
    for (int call = 0; call < kernel.calls.size(); call++) {
      ScriptedKernel failing = new ScriptedKernel().failing(call, LinuxErrno.EIO);
      boolean felt = false;
      try {
        createAll(failing, SMALL);
      } catch (VmmException e) {
        felt = true;
        assertThat(e.getMessage()).contains("EIO (5)");
      }
      if (failing.failedThread.equals(SpareVms.THREAD_NAME)) {
        inBackground++;
        assertThat(felt).isFalse();
      }
      assertNothingLeft(failing);
    }
    // At least memory, VM, vCPU with its page, and CPUID, for two spares.
    assertThat(inBackground).isGreaterThanOrEqualTo(10);
  }

  static List<Ioctl> requests() {
    return List.of(
        KvmIoctl.CREATE_VM,
        KvmIoctl.CREATE_VCPU,
        KvmIoctl.SET_CPUID2,
        KvmIoctl.SET_USER_MEMORY_REGION);
  }

  @ParameterizedTest
  @MethodSource("requests")
  void failingPreparationIsNotFelt(Ioctl request) throws InterruptedException {
    ScriptedKernel.Answer works = kernel.answers.getOrDefault(request.code(), argument -> 0);
    Set<Thread> failed = ConcurrentHashMap.newKeySet();
    kernel.answers.put(
        request.code(),
        argument -> {
          if (Thread.currentThread().getName().equals(SpareVms.THREAD_NAME)) {
            failed.add(Thread.currentThread());
            return -LinuxErrno.EIO;
          }
          return works.to(argument);
        });
    createAll(kernel, LARGE);
    assertThat(failed).isNotEmpty();
    assertNothingLeft(kernel);
  }

  @Test
  void spareIsTakenByAGuestOfItsSizeOnly() throws InterruptedException {
    try (KvmHypervisor hypervisor = open(kernel)) {
      create(hypervisor, SMALL).close();
      create(hypervisor, SMALL).close();
      assertThat(created()).as("two VMs, the resident one and a spare").isEqualTo(4);
      try (Vm vm = create(hypervisor, LARGE)) {
        assertThat(vm.memory().byteSize()).isEqualTo(LARGE.memoryByteSize());
        assertThat(created()).as("one more").isEqualTo(5);
      }
      try (Vm vm = create(hypervisor, SMALL)) {
        assertThat(vm.memory().byteSize()).isEqualTo(SMALL.memoryByteSize());
        assertThat(created()).as("the spare, and none instead of it").isEqualTo(5);
      }
    }
    assertNothingLeft(kernel);
  }

  @Test
  void alternatingSizesPrepareNothing() throws InterruptedException {
    try (KvmHypervisor hypervisor = open(kernel)) {
      for (int i = 0; i < 4; i++) {
        create(hypervisor, SMALL).close();
        create(hypervisor, LARGE).close();
      }
      assertThat(created()).as("eight VMs and the resident one").isEqualTo(9);
    }
  }

  @Test
  void spareOfAnotherSizeIsReplaced() throws InterruptedException {
    try (KvmHypervisor hypervisor = open(kernel)) {
      create(hypervisor, SMALL).close();
      create(hypervisor, SMALL).close();
      create(hypervisor, LARGE).close();
      settle(hypervisor);
      int descriptors = kernel.descriptors.size();
      create(hypervisor, LARGE).close();
      settle(hypervisor);
      assertThat(kernel.descriptors).as("one spare, as before").hasSize(descriptors);
      int created = created();
      try (Vm _ = hypervisor.createVm(LARGE)) {
        settle(hypervisor);
        assertThat(created()).as("only the next spare").isEqualTo(created + 1);
      }
    }
    assertNothingLeft(kernel);
  }

  @Test
  void guestDoesNotWaitForAVmInPreparation() throws InterruptedException {
    Semaphore others = new Semaphore(0);
    ScriptedKernel.Answer create =
        Objects.requireNonNull(kernel.answers.get(KvmIoctl.CREATE_VM.code()));
    kernel.answers.put(
        KvmIoctl.CREATE_VM.code(),
        argument -> {
          if (Thread.currentThread().getName().equals(SpareVms.THREAD_NAME)) {
            others.acquireUninterruptibly();
          }
          return create.to(argument);
        });
    try (KvmHypervisor hypervisor = open(kernel)) {
      for (int i = 0; i < 4; i++) {
        hypervisor.createVm(SMALL).close();
      }
      others.release();
    }
    assertNothingLeft(kernel);
  }

  @Test
  void memoryIsUnmappedAtOnceAndDescriptorsSoon() throws InterruptedException {
    try (KvmHypervisor hypervisor = open(kernel)) {
      int mappings = kernel.mappings.size();
      int descriptors = kernel.descriptors.size();
      Vm vm = hypervisor.createVm(SMALL);
      vm.createVcpu();
      vm.close();
      assertThat(kernel.mappings).hasSize(mappings);
      settle(hypervisor);
      assertThat(kernel.descriptors).hasSize(descriptors);
    }
  }

  private static SpareVms unused(Duration hold) {
    return new SpareVms(
        options -> {
          throw new AssertionError("nobody wants " + options);
        },
        hold);
  }

  @Test
  void nothingIsDestroyedUntilAGuestRuns() throws InterruptedException {
    Semaphore done = new Semaphore(0);
    try (SpareVms spares = unused(Duration.ofDays(1))) {
      spares.execute(done::release);
      spares.execute(done::release);
      assertThat(done.availablePermits()).isZero();
      spares.guestRuns();
      done.acquire(2);
    }
  }

  @Test
  void guestThatNeverComesIsNotWaitedForForEver() throws InterruptedException {
    Semaphore done = new Semaphore(0);
    try (SpareVms spares = unused(Duration.ofMillis(1))) {
      spares.execute(done::release);
      done.acquire();
    }
  }

  @Test
  void closeDestroysWhatIsHeldBack() {
    Semaphore done = new Semaphore(0);
    try (SpareVms spares = unused(Duration.ofDays(1))) {
      spares.execute(done::release);
    }
    assertThat(done.availablePermits()).isEqualTo(1);
  }

  @Test
  void failureToDestroyIsNotFelt() throws InterruptedException {
    try (KvmHypervisor hypervisor = open(kernel)) {
      Vm vm = hypervisor.createVm(SMALL);
      kernel.failCloseOnce(LinuxErrno.EIO);
      vm.close();
      settle(hypervisor);
      hypervisor.createVm(SMALL).close();
    }
    assertNothingLeft(kernel);
  }

  @Test
  void interruptedThreadClosesEverythingToo() throws InterruptedException {
    KvmHypervisor hypervisor = open(kernel);
    try (hypervisor) {
      create(hypervisor, SMALL).close();
      hypervisor.createVm(SMALL).close();
      Thread.currentThread().interrupt();
    }
    assertThat(Thread.interrupted()).isTrue();
    assertNothingLeft(kernel);
  }
}
