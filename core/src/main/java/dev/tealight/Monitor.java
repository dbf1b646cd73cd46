// SPDX-License-Identifier: ISC
package dev.tealight;

import dev.tealight.device.Device;
import dev.tealight.device.DeviceConfig;
import dev.tealight.device.GuestCallHandler;
import dev.tealight.device.GuestCallRegistry;
import dev.tealight.internal.host.SharedHypervisors;
import dev.tealight.internal.run.Execution;
import dev.tealight.internal.run.Machine;
import dev.tealight.internal.run.MachineSpec;
import dev.tealight.solo5.Solo5;
import dev.tealight.spi.BootProtocol;
import java.io.OutputStream;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One unikernel with the machine it runs on: memory, a vCPU, and the devices it declares.
 *
 * <p>{@link Builder#build} creates everything and runs nothing; {@link #run} or {@link #start} runs
 * the guest, once; {@link #close} stops it if need be and frees everything. Any number of monitors
 * live side by side. Any thread may use a monitor.
 */
public final class Monitor implements AutoCloseable {
  private final Machine machine;
  private final ReentrantLock lock = new ReentrantLock();
  // Guarded by the lock.
  private @Nullable Execution execution;
  private boolean closed;

  private Monitor(Machine machine) {
    this.machine = machine;
  }

  /** {@return a builder with nothing set} */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Runs the guest and waits for its end. The guest runs on a thread of its own; interrupting the
   * calling thread stops it.
   *
   * @return how it ended
   * @throws InterruptedException if the calling thread was interrupted; the guest has been stopped
   * @throws VmmException if the host failed
   * @throws IllegalStateException if it was run before, the monitor is closed, the {@linkplain
   *     Builder#executor executor} refuses, or the calling thread was interrupted (and is so still)
   *     but the guest's thread is stuck in a call to the host, which is named
   */
  public RunResult run() throws InterruptedException {
    return startExecution().awaitOrStop();
  }

  /**
   * Starts the guest.
   *
   * @return the run
   * @throws IllegalStateException if it was run before, the monitor is closed, or the {@linkplain
   *     Builder#executor executor} refuses
   */
  public RunHandle start() {
    return new RunHandle(startExecution());
  }

  private Execution startExecution() {
    Execution started = publishExecution();
    // Without the lock: an executor may run the guest on this very thread.
    machine.start(started);
    return started;
  }

  private Execution publishExecution() {
    lock.lock();
    try {
      if (closed) {
        throw new IllegalStateException("monitor %s is closed".formatted(name()));
      }
      if (execution != null) {
        throw new IllegalStateException(
            "monitor %s has run its guest already: build another".formatted(name()));
      }
      Execution created = machine.createExecution(this);
      execution = created;
      return created;
    } finally {
      lock.unlock();
    }
  }

  /** {@return its name, for logs and threads} */
  public String name() {
    return machine.name();
  }

  /** {@return the hypervisor it runs on} */
  public Hypervisor hypervisor() {
    return machine.hypervisor();
  }

  /**
   * {@return why the guest runs at its processor's lowest privilege level instead of the highest,
   * for people; empty if it runs as its image expects} See {@link
   * dev.tealight.spi.UnprivilegedStart}. It holds for the whole run and beyond {@link #close}, and
   * is part of the reason of a {@link RunResult.Faulted}.
   */
  public Optional<String> unprivilegedReason() {
    return machine.unprivilegedReason();
  }

  /** {@return the memory of the guest, valid until {@link #close}} */
  public GuestMemory memory() {
    return machine.memory();
  }

  /**
   * {@return how many bytes of the guest's output were dropped because its console could not take
   * them}
   */
  public long droppedConsoleByteCount() {
    return machine.droppedConsoleByteCount();
  }

  /**
   * Stops the guest if it runs, then frees everything. Harmless if repeated.
   *
   * @throws IllegalStateException if the guest's thread is stuck in a call to the host, which is
   *     named, or guest memory is in use by one of another thread: may be tried again; or if the
   *     calling thread is the guest's own, as in a handler: use {@link RunHandle#stop} there
   */
  @Override
  public void close() {
    lock.lock();
    try {
      if (execution != null) {
        execution.stopAndJoin();
      }
      closed = true;
      machine.close(); // repeated, it frees what was refused before
    } finally {
      lock.unlock();
    }
  }

  /**
   * Collects what a monitor is made of. Not thread-safe; may build several monitors, one after the
   * other.
   */
  public static final class Builder {

    /**
     * The size of guest memory unless {@link #memoryByteSize} is called: 512 MiB, of which what is
     * touched is paid.
     */
    public static final long DEFAULT_MEMORY_BYTE_SIZE = 512L << 20;

    private @Nullable Supplier<Image> image;
    private String imageName = "";
    private @Nullable String name;
    private BootProtocol protocol = Solo5.PROTOCOL;
    private long memoryByteSize = DEFAULT_MEMORY_BYTE_SIZE;
    private VmOptions.HugePages hugePages = VmOptions.HugePages.AUTO;
    private List<String> arguments = List.of();
    private final Map<String, MachineSpec.Attachment> devices = new LinkedHashMap<>();
    private final List<Consumer<GuestCallRegistry>> handlers = new ArrayList<>();
    private Console console = Console.discard();
    private MachineSpec.Host host =
        new MachineSpec.Shared(() -> Hypervisors.firstAvailable(SharedHypervisors::acquire));
    private Duration limit = Duration.ZERO;
    private @Nullable TimeSource time;
    private @Nullable Entropy entropy;
    private @Nullable Executor executor;
    private final List<MonitorObserver> observers = new ArrayList<>();

    private Builder() {}

    /**
     * Sets the image; required.
     *
     * @param path of the file, read while the monitor is built
     * @return this
     */
    public Builder image(Path path) {
      Objects.requireNonNull(path, "path");
      return image(() -> Image.open(path), String.valueOf(path.getFileName()));
    }

    /**
     * Sets the image; required.
     *
     * @param name for messages
     * @param bytes of the image; not copied
     * @return this
     */
    public Builder image(String name, byte[] bytes) {
      Objects.requireNonNull(name, "name");
      Objects.requireNonNull(bytes, "bytes");
      return image(() -> Image.of(name, bytes), name);
    }

    /**
     * Sets the image; required.
     *
     * @param name for messages
     * @param channel read while the monitor is built; stays open
     * @return this
     */
    public Builder image(String name, SeekableByteChannel channel) {
      Objects.requireNonNull(name, "name");
      Objects.requireNonNull(channel, "channel");
      return image(() -> Image.of(name, channel), name);
    }

    private Builder image(Supplier<Image> source, String name) {
      image = source;
      imageName = name;
      return this;
    }

    /**
     * Sets the name for logs and threads; the image's unless called.
     *
     * @param name for people
     * @return this
     */
    public Builder name(String name) {
      this.name = Objects.requireNonNull(name, "name");
      return this;
    }

    /**
     * Sets how the image is read and started; {@link Solo5#PROTOCOL} unless called.
     *
     * @param protocol of the image
     * @return this
     */
    public Builder bootProtocol(BootProtocol protocol) {
      this.protocol = Objects.requireNonNull(protocol, "protocol");
      return this;
    }

    /**
     * Sets the size of guest memory; {@link #DEFAULT_MEMORY_BYTE_SIZE} unless called. The image's
     * format may round it.
     *
     * @param byteSize positive
     * @return this
     */
    public Builder memoryByteSize(long byteSize) {
      memoryByteSize = byteSize;
      return this;
    }

    /**
     * Sets how guest memory is backed; {@link VmOptions.HugePages#AUTO} unless called.
     *
     * @param policy what to ask of the host
     * @return this
     */
    public Builder hugePages(VmOptions.HugePages policy) {
      hugePages = Objects.requireNonNull(policy, "policy");
      return this;
    }

    /**
     * Sets the guest's arguments, replacing earlier ones; none unless called.
     *
     * @param arguments words; the guest gets them joined with single spaces
     * @return this
     */
    public Builder arguments(String... arguments) {
      this.arguments = List.of(arguments);
      return this;
    }

    /**
     * Attaches a device to be made when the monitor is built, and closed with it.
     *
     * @param name of the device in the image's manifest
     * @param config makes it
     * @return this
     * @throws ConfigurationException if the name is attached already
     */
    public Builder device(String name, DeviceConfig config) {
      Objects.requireNonNull(config, "config");
      return attach(name, new MachineSpec.Configured(config));
    }

    /**
     * Attaches a device that exists.
     *
     * @param name of the device in the image's manifest
     * @param device serves this monitor alone; stays the caller's to close, after the monitor
     * @return this
     * @throws ConfigurationException if the name is attached already
     */
    public Builder device(String name, Device device) {
      Objects.requireNonNull(device, "device");
      return attach(name, new MachineSpec.Existing(device));
    }

    private Builder attach(String name, MachineSpec.Attachment attachment) {
      if (devices.putIfAbsent(Objects.requireNonNull(name, "name"), attachment) != null) {
        throw new ConfigurationException("device %s is attached twice".formatted(name));
      }
      return this;
    }

    /**
     * Adds a hypercall of the embedder's own.
     *
     * @param nr a number that neither the image's format nor a device uses, 0 to 255
     * @param owner for messages: what it does
     * @param handler serves it
     * @return this
     */
    public Builder hypercall(int nr, String owner, GuestCallHandler handler) {
      Objects.requireNonNull(handler, "handler");
      return handlers(registry -> registry.hypercall(nr, owner, handler));
    }

    /**
     * Adds handlers for hypercalls, ports and addresses of the embedder's own.
     *
     * @param registration called for each monitor that is built
     * @return this
     */
    public Builder handlers(Consumer<GuestCallRegistry> registration) {
      handlers.add(Objects.requireNonNull(registration, "registration"));
      return this;
    }

    /**
     * Sets where the guest's text output goes; {@link Console#discard} unless called.
     *
     * @param console sink and policy
     * @return this
     */
    public Builder console(Console console) {
      this.console = Objects.requireNonNull(console, "console");
      return this;
    }

    /**
     * Sends the guest's text output to a stream, as {@link Console#to(OutputStream)} does.
     *
     * @param stream stays open
     * @return this
     */
    public Builder console(OutputStream stream) {
      return console(Console.to(stream));
    }

    /**
     * Uses a hypervisor that the caller opened. Unless this or {@link #backend} is called, monitors
     * share the {@linkplain Hypervisors#firstAvailable first available} one.
     *
     * @param hypervisor stays the caller's to close, after the monitor
     * @return this
     */
    public Builder hypervisor(Hypervisor hypervisor) {
      host = new MachineSpec.Given(Objects.requireNonNull(hypervisor, "hypervisor"));
      return this;
    }

    /**
     * Uses a backend by its name. Its hypervisor is shared with all monitors on that backend that
     * were not {@linkplain #hypervisor given} one.
     *
     * @param backend for instance {@code kvm}
     * @return this
     */
    public Builder backend(String backend) {
      Objects.requireNonNull(backend, "backend");
      host = new MachineSpec.Shared(() -> SharedHypervisors.acquire(Hypervisors.provider(backend)));
      return this;
    }

    /**
     * Ends the run with {@link RunResult.DeadlineExceeded} when it takes too long; no limit unless
     * called.
     *
     * @param limit on the run, waits and pauses included; positive
     * @return this
     */
    public Builder deadline(Duration limit) {
      if (limit.isNegative() || limit.isZero()) {
        throw new ConfigurationException(
            "deadline of %s: give a positive duration".formatted(limit));
      }
      this.limit = limit;
      return this;
    }

    /**
     * Sets the guest's clocks. Unless called they are the host's, or those of a hypervisor whose
     * time is virtual.
     *
     * @param time the clocks
     * @return this
     */
    public Builder timeSource(TimeSource time) {
      this.time = Objects.requireNonNull(time, "time");
      return this;
    }

    /**
     * Sets where devices get random bytes. Unless called they are the host's strong random numbers,
     * or follow from the seed of a hypervisor whose time is virtual. A guest's own random
     * instructions do not pass here.
     *
     * @param entropy the bytes
     * @return this
     */
    public Builder entropy(Entropy entropy) {
      this.entropy = Objects.requireNonNull(entropy, "entropy");
      return this;
    }

    /**
     * Sets who runs the guest; a new platform thread unless called.
     *
     * <p>One that runs it on the calling thread makes {@link #start} return after the guest's end,
     * and {@link #run} deaf to interrupts. One that interrupts its thread while the guest runs, as
     * {@code shutdownNow} does, does not stop the guest, but closes the file channels of its
     * devices: stop the guest first.
     *
     * @param executor must run the guest on one platform thread until it ends
     * @return this
     */
    public Builder executor(Executor executor) {
      this.executor = Objects.requireNonNull(executor, "executor");
      return this;
    }

    /**
     * Adds an observer.
     *
     * @param observer told what happens
     * @return this
     */
    public Builder observer(MonitorObserver observer) {
      observers.add(Objects.requireNonNull(observer, "observer"));
      return this;
    }

    /**
     * Creates everything and runs nothing.
     *
     * @return a monitor that the caller closes
     * @throws ConfigurationException if what was asked for cannot be, for instance a device of the
     *     manifest is not attached
     * @throws ImageException if the image is missing or cannot be run
     * @throws HypervisorUnavailableException if nothing here can run the guest
     * @throws VmmException if the host fails; all that was created is freed
     */
    public Monitor build() {
      if (image == null) {
        throw new ConfigurationException("no image was given: call image(…)");
      }
      Machine machine = Machine.create(spec(image));
      Monitor monitor = new Monitor(machine);
      try {
        machine.observe(observer -> observer.created(monitor));
      } catch (Throwable e) {
        try (machine) { // nobody else would close it
          throw e;
        }
      }
      return monitor;
    }

    private MachineSpec spec(Supplier<Image> source) {
      return new MachineSpec(
          name == null ? imageName : name,
          source,
          protocol,
          memoryByteSize,
          hugePages,
          arguments,
          new LinkedHashMap<>(devices),
          List.copyOf(handlers),
          console,
          host,
          limit,
          Optional.ofNullable(time),
          Optional.ofNullable(entropy),
          Optional.ofNullable(executor),
          List.copyOf(observers));
    }
  }
}
