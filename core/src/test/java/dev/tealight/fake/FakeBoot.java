// SPDX-License-Identifier: ISC
package dev.tealight.fake;

import dev.tealight.Console;
import dev.tealight.Image;
import dev.tealight.internal.console.ConsoleQueue;
import dev.tealight.internal.run.HandlerTable;
import dev.tealight.internal.run.RunLoop;
import dev.tealight.solo5.HvtImage;
import dev.tealight.solo5.Solo5Hvt;
import dev.tealight.spi.BootContext;
import dev.tealight.spi.SharedWork;
import java.io.ByteArrayOutputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** A machine to boot an image on, and everything it then consists of. */
public final class FakeBoot implements BootContext, AutoCloseable {
  public final FakeVm vm;
  public final FakeVcpu vcpu = new FakeVcpu();
  public final FakeTime time = new FakeTime();
  public final HandlerTable handlers = new HandlerTable();
  public final List<AttachedDevice> devices = new ArrayList<>();
  public final ByteArrayOutputStream output = new ByteArrayOutputStream();
  public final List<SharedWork> rings = new ArrayList<>();
  public List<String> arguments = List.of();

  /** Where the guest's text goes. */
  public Console.Sink sink = output::write;

  private final ConsoleQueue console =
      new ConsoleQueue(
          Console.direct((bytes, offset, length) -> sink.write(bytes, offset, length)), "test");

  public FakeBoot(long memoryByteSize) {
    vm = new FakeVm(memoryByteSize);
  }

  /** Boots an image. */
  public FakeBoot boot(byte[] image) {
    HvtImage opened = Solo5Hvt.open(Image.of("test", image));
    opened.boot(this);
    return this;
  }

  /** Returns a run loop over this machine, with hvt's hypercalls. */
  public RunLoop loop(HvtImage image) {
    return new RunLoop(vcpu, vm.memory(), handlers, image.hypercalls(), time, time, Duration.ZERO);
  }

  @Override
  public FakeVm vm() {
    return vm;
  }

  @Override
  public FakeVcpu vcpu() {
    return vcpu;
  }

  @Override
  public List<String> arguments() {
    return arguments;
  }

  @Override
  public List<AttachedDevice> devices() {
    return devices;
  }

  @Override
  public HandlerTable registry() {
    return handlers;
  }

  @Override
  public void doorbell(int port, String owner, SharedWork work) {
    work.wantDoorbell(true);
    rings.add(work);
  }

  @Override
  public ConsoleQueue console() {
    return console;
  }

  @Override
  public void close() {
    console.close();
    vm.close();
  }
}
