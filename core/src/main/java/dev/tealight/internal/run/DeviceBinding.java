// SPDX-License-Identifier: ISC
package dev.tealight.internal.run;

import dev.tealight.ConfigurationException;
import dev.tealight.Entropy;
import dev.tealight.GuestMemory;
import dev.tealight.ReadinessSource;
import dev.tealight.TimeSource;
import dev.tealight.device.Device;
import dev.tealight.device.DeviceContext;
import dev.tealight.device.DeviceHypercall;
import dev.tealight.device.FrameTransfer;
import dev.tealight.device.GuestCallHandler;
import dev.tealight.device.GuestCallRegistry;
import dev.tealight.device.InterruptLine;
import dev.tealight.device.PciFunction;
import dev.tealight.device.VirtioTransport;
import dev.tealight.spi.BootContext.AttachedDevice;
import dev.tealight.spi.BootImage.DeclaredDevice;
import dev.tealight.spi.Platform;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A device with its declaration, and what it told the monitor when it was activated. */
final class DeviceBinding implements DeviceContext {

  /** Told when a device could not do its work. */
  interface FailureListener {
    void hostFailure(String device, String what, Exception cause);
  }

  private static final int PROPERTIES_BYTE_SIZE = 16;

  private final DeclaredDevice declared;
  private final GuestMemory memory;
  private final TimeSource time;
  private final Entropy entropy;
  private final HandlerTable handlers;
  private final DeviceCalls calls;
  private final FailureListener failures;
  private final @Nullable Platform platform;
  private final List<ReadinessSource> readiness = new ArrayList<>();
  private int functionCount;
  private Optional<FrameTransfer> frames = Optional.empty();
  private byte[] properties = new byte[PROPERTIES_BYTE_SIZE];

  DeviceBinding(
      DeclaredDevice declared,
      GuestMemory memory,
      TimeSource time,
      Entropy entropy,
      HandlerTable handlers,
      DeviceCalls calls,
      FailureListener failures,
      @Nullable Platform platform) {
    this.declared = declared;
    this.memory = memory;
    this.time = time;
    this.entropy = entropy;
    this.handlers = handlers;
    this.calls = calls;
    this.failures = failures;
    this.platform = platform;
  }

  AttachedDevice activate(Device device) {
    device.activate(this);
    if (platform != null && functionCount != 1) {
      throw new ConfigurationException(
          "device %s of type %s has %d PCI functions, expected 1: its guest finds devices on the PCI bus, in the manifest's order"
              .formatted(declared.name(), declared.type(), functionCount));
    }
    return new AttachedDevice(
        declared, MemorySegment.ofArray(properties).asReadOnly(), List.copyOf(readiness), frames);
  }

  @Override
  public String name() {
    return declared.name();
  }

  @Override
  public int handle() {
    return declared.handle();
  }

  @Override
  public GuestMemory memory() {
    return memory;
  }

  @Override
  public TimeSource time() {
    return time;
  }

  @Override
  public Entropy entropy() {
    return entropy;
  }

  @Override
  public void hypercall(DeviceHypercall call, GuestCallHandler handler) {
    calls.register(call, declared, handler);
  }

  @Override
  public GuestCallRegistry registry() {
    return handlers;
  }

  @Override
  public Optional<VirtioTransport> virtio() {
    return platform == null ? Optional.empty() : Optional.of(Platforms.virtio(this, this::attach));
  }

  private InterruptLine attach(String owner, PciFunction function) {
    functionCount++;
    return Objects.requireNonNull(platform).pci().attach(owner, function);
  }

  @Override
  public void describe(byte[] properties) {
    if (properties.length > PROPERTIES_BYTE_SIZE) {
      throw new ConfigurationException(
          "device %s describes itself with %d bytes: give at most 16"
              .formatted(declared.name(), properties.length));
    }
    this.properties = Arrays.copyOf(properties, PROPERTIES_BYTE_SIZE);
  }

  @Override
  public void pollable(ReadinessSource source) {
    readiness.add(source);
  }

  @Override
  public void frames(FrameTransfer frames) {
    this.frames = Optional.of(frames);
  }

  @Override
  public void hostFailure(String what, Exception cause) {
    failures.hostFailure(declared.name(), what, cause);
  }
}
