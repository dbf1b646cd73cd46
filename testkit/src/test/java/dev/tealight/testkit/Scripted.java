// SPDX-License-Identifier: ISC

package dev.tealight.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.Monitor;
import dev.tealight.VmExit;
import java.util.function.Consumer;

/** A monitor on the mock, for the tests of core's monitor. */
final class Scripted implements AutoCloseable {

  /** The hypercall that a test registers. */
  static final int CALL = 7;

  final MockHypervisor mock;
  final Monitor monitor;

  Scripted(GuestScript script) {
    this(script, builder -> {});
  }

  Scripted(GuestScript script, Consumer<Monitor.Builder> options) {
    mock = new MockHypervisor(script);
    Monitor.Builder builder = builder(mock, new ScriptedBoot());
    options.accept(builder);
    monitor = builder.build();
  }

  static Monitor.Builder builder(MockHypervisor mock, ScriptedBoot boot) {
    return Monitor.builder()
        .image("scripted", new byte[0])
        .bootProtocol(boot)
        .memoryByteSize(1 << 20)
        .hypervisor(mock);
  }

  /** A guest that makes {@link #CALL} and then ends with status 0. */
  static GuestScript callThenEnd() {
    return GuestScript.exits(ScriptedBoot.hypercall(CALL, 0x1000), ScriptedBoot.end(0));
  }

  /** A guest that makes {@link #CALL} again and again. */
  static GuestScript callForEver() {
    return guest -> ScriptedBoot.hypercall(CALL, 0x1000);
  }

  /** A guest that has one exit and then ends with status 0. */
  static GuestScript exitThenEnd(VmExit exit) {
    return GuestScript.exits(exit, ScriptedBoot.end(0));
  }

  MockVcpu vcpu() {
    return mock.vm().vcpu();
  }

  /** Closes the monitor and checks that it leaves nothing. */
  @Override
  public void close() {
    monitor.close();
    assertThat(mock.openResources()).isEmpty();
    mock.close();
  }
}
