// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.tealight.HostCallException;
import dev.tealight.Hypervisor;
import dev.tealight.HypervisorUnavailableException;
import dev.tealight.Vm;
import dev.tealight.VmOptions;
import dev.tealight.Waiter;
import dev.tealight.ffi.bhyve.BhyveOptions;
import dev.tealight.ffi.posix.HostCalls;
import dev.tealight.ffi.posix.PollWaiter;
import dev.tealight.spi.GuestArchitecture;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What makes VMs, and what is found out about the kernel once. */
final class BhyveHypervisor implements Hypervisor {
  private static final Logger LOG = LoggerFactory.getLogger(BhyveHypervisor.class);

  private final HostCalls host;
  private final Optional<RecordingHostCalls> recording;
  private final VmmControl control;
  private final BhyveOptions options;
  private final VmmForms forms;

  // Guarded by this object's lock, as are all methods that use them.
  private int openVms;
  private long cycleCounterHz;
  private boolean closed;

  /**
   * Opens it.
   *
   * @throws HypervisorUnavailableException if it cannot run guests
   */
  static BhyveHypervisor open(BhyveHost host, BhyveOptions options) {
    Optional<RecordingHostCalls> recording =
        options
            .recording()
            .map(file -> new RecordingHostCalls(host.calls(), new RecordingWriter(file)));
    try {
      return open(host, options, recording);
    } catch (RuntimeException | Error e) {
      recording.ifPresent(RecordingHostCalls::close);
      throw e;
    }
  }

  private static BhyveHypervisor open(
      BhyveHost host, BhyveOptions options, Optional<RecordingHostCalls> recording) {
    HostCalls calls = recording.<HostCalls>map(it -> it).orElse(host.calls());
    VmmControl control = VmmControl.open(calls);
    try {
      lookForStaleVms(host, control, options);
      return new BhyveHypervisor(calls, recording, control, options);
    } catch (RuntimeException | Error e) {
      control.close();
      throw e;
    }
  }

  private BhyveHypervisor(
      HostCalls host,
      Optional<RecordingHostCalls> recording,
      VmmControl control,
      BhyveOptions options) {
    this.host = host;
    this.recording = recording;
    this.control = control;
    this.options = options;
    forms = new VmmForms(control.version());
  }

  private static void lookForStaleVms(BhyveHost host, VmmControl control, BhyveOptions options) {
    List<String> stale = VmNames.stale(host.names().get(), host.alive());
    if (stale.isEmpty()) {
      return;
    }
    if (!options.removeStaleVms()) {
      LOG.warn(
          "VMs of ended processes hold memory: {}: remove them with bhyvectl --destroy --vm=NAME,"
              + " or open the backend with BhyveOptions.removeStaleVms",
          stale);
      return;
    }
    for (String name : stale) {
      try {
        control.destroy(name);
        LOG.info("destroyed VM {}, which an ended process had left", name);
      } catch (HostCallException e) {
        LOG.warn("VM {}, which an ended process had left, stays", name, e);
      }
    }
  }

  @Override
  public String name() {
    return BhyveHypervisorProvider.NAME;
  }

  @Override
  public String description() {
    return control.description();
  }

  @Override
  public GuestArchitecture architecture() {
    return GuestArchitecture.X86_64;
  }

  /** {@return what records the calls, if anything does} */
  Optional<RecordingHostCalls> recording() {
    return recording;
  }

  BhyveOptions options() {
    return options;
  }

  VmmForms forms() {
    return forms;
  }

  /** The lock is not held while the host works: others create their VMs meanwhile. */
  @Override
  public Vm createVm(VmOptions vmOptions) {
    beginVm();
    try {
      return BhyveVm.create(host, this, control, vmOptions);
    } catch (RuntimeException | Error e) {
      vmClosed();
      throw e;
    }
  }

  private synchronized void beginVm() {
    if (closed) {
      throw new IllegalStateException("the hypervisor is closed");
    }
    openVms++;
  }

  /** Called once by each VM. */
  synchronized void vmClosed() {
    openVms--;
  }

  /** {@return the frequency of the counter that guests read, which is the host's} */
  synchronized long cycleCounterHz() {
    if (cycleCounterHz == 0) {
      if (VmmControl.number(host, "kern.timecounter.invariant_tsc", JAVA_INT.byteSize()) != 1) {
        throw new HypervisorUnavailableException(
            "bhyve: kern.timecounter.invariant_tsc is not 1: the host's time stamp counter is not"
                + " stable, and guests read their clock from it: run on a host with an invariant"
                + " counter");
      }
      cycleCounterHz = VmmControl.number(host, "machdep.tsc_freq", JAVA_LONG.byteSize());
    }
    return cycleCounterHz;
  }

  @Override
  public Waiter createWaiter() {
    return new PollWaiter(host);
  }

  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    if (openVms > 0) {
      throw new IllegalStateException(
          "%d VMs of this hypervisor are open: close them first".formatted(openVms));
    }
    closed = true;
    try {
      control.close();
    } finally {
      recording.ifPresent(RecordingHostCalls::close);
    }
  }
}
