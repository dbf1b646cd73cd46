// SPDX-License-Identifier: ISC
package dev.tealight.internal.run;

import dev.tealight.ConfigurationException;
import dev.tealight.Entropy;
import dev.tealight.GuestMemory;
import dev.tealight.HostCallException;
import dev.tealight.Hypervisor;
import dev.tealight.Image;
import dev.tealight.Monitor;
import dev.tealight.MonitorObserver;
import dev.tealight.ReadinessSource;
import dev.tealight.RunResult;
import dev.tealight.TimeSource;
import dev.tealight.Vcpu;
import dev.tealight.Vm;
import dev.tealight.VmOptions;
import dev.tealight.Waiter;
import dev.tealight.device.Device;
import dev.tealight.device.GuestCallRegistry;
import dev.tealight.internal.console.ConsoleQueue;
import dev.tealight.internal.host.CloseStack;
import dev.tealight.internal.host.SharedHypervisors;
import dev.tealight.spi.BootContext;
import dev.tealight.spi.BootContext.AttachedDevice;
import dev.tealight.spi.BootImage;
import dev.tealight.spi.BootImage.DeclaredDevice;
import dev.tealight.spi.ConsoleOutput;
import dev.tealight.spi.Doorbells;
import dev.tealight.spi.HostedChips;
import dev.tealight.spi.InterruptInjector;
import dev.tealight.spi.Platform;
import dev.tealight.spi.RepeatableInputs;
import dev.tealight.spi.SharedWork;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The machine of one monitor: everything that is created before the guest runs and freed after it.
 */
public final class Machine implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Machine.class);

  private final MachineSpec spec;
  private final CloseStack resources;
  private final Hypervisor hypervisor;
  private final Vm vm;
  private final List<DoorbellServer> doorbells = new ArrayList<>();
  private final RunLoop loop;
  private final ConsoleQueue console;
  private final Optional<String> unprivilegedReason;
  private final TimeSource time;
  private final Entropy entropy;
  private volatile @Nullable Monitor monitor;

  /**
   * Creates a machine with its guest loaded and its vCPU on the first instruction.
   *
   * @param spec what it is made of
   * @return a machine that the caller closes
   */
  public static Machine create(MachineSpec spec) {
    CloseStack resources = new CloseStack();
    try {
      return new Machine(spec, resources);
    } catch (Throwable e) {
      try {
        resources.close();
      } catch (RuntimeException | Error suppressed) {
        e.addSuppressed(suppressed);
      }
      throw e;
    }
  }

  /**
   * Reads as the order in which a machine comes to be; what is pushed is freed in reverse, also
   * when a later step fails.
   */
  private Machine(MachineSpec spec, CloseStack resources) {
    this.spec = spec;
    this.resources = resources;

    // First all that can be refused without a hypervisor.
    BootImage image = readImage(spec);
    checkDevices(spec, image);
    long memoryByteSize = image.memoryByteSize(spec.memoryByteSize());
    Map<String, Device> devices = DeviceFactory.create(spec, image, resources);

    hypervisor = acquireHypervisor();
    if (hypervisor.architecture() != image.architecture()) {
      throw new ConfigurationException(
          "image %s is for %s, but backend %s runs guests for %s"
              .formatted(
                  spec.name(), image.architecture(), hypervisor.name(), hypervisor.architecture()));
    }

    Waiter waiter = hypervisor.createWaiter();
    resources.push(waiter::close);
    console = new ConsoleQueue(spec.console(), spec.name());
    resources.push(console::close);
    console.attach(waiter);

    vm = hypervisor.createVm(new VmOptions(memoryByteSize, spec.hugePages()));
    resources.push(vm::close);
    Vcpu vcpu = vm.createVcpu();
    resources.push(vcpu::close);
    Optional<RepeatableInputs> inputs = vcpu.ability(RepeatableInputs.class);
    time = spec.time().or(() -> inputs.map(RepeatableInputs::time)).orElseGet(TimeSource::system);
    entropy =
        spec.entropy().or(() -> inputs.map(RepeatableInputs::entropy)).orElseGet(Entropy::system);

    HandlerTable handlers = new HandlerTable();
    Optional<HostedChips> chips = image.platform().flatMap(name -> vm.ability(HostedChips.class));
    Platform platform =
        image.platform().isEmpty()
            ? null
            : Platforms.create(image.platform().get(), handlers, time, console, chips);
    List<AttachedDevice> attached = activate(image, devices, handlers, platform);
    PlatformLink link =
        platform == null ? null : connect(platform, chips.isPresent(), vcpu, attached);
    // What wakes a guest on a platform also has to reach it while it computes.
    Waiter wakeUps = link == null ? waiter : new KickingWaiter(waiter, vcpu);
    attached.forEach(device -> device.readiness().forEach(source -> source.attach(wakeUps)));
    image.boot(new Context(vcpu, attached, handlers));
    spec.handlers().forEach(registration -> registration.accept(handlers));
    loop =
        new RunLoop(
            vcpu,
            vm.memory(),
            handlers,
            image.hypercalls(),
            wakeUps,
            time,
            spec.limit(),
            link,
            () -> doorbells.forEach(DoorbellServer::settle));
    unprivilegedReason = loop.unprivilegedReason();
  }

  private PlatformLink connect(
      Platform platform, boolean hosted, Vcpu vcpu, List<AttachedDevice> devices) {
    List<ReadinessSource> sources =
        devices.stream().flatMap(device -> device.readiness().stream()).toList();
    return hosted ? watch(platform, vcpu, sources) : inject(platform, vcpu, sources);
  }

  private HostedLink watch(Platform platform, Vcpu vcpu, List<ReadinessSource> sources) {
    Map<Boolean, List<ReadinessSource>> parts =
        sources.stream().collect(Collectors.partitioningBy(source -> source.descriptor() >= 0));
    List<ReadinessSource> described = parts.getOrDefault(true, List.of());
    Waiter waiter = hypervisor.createWaiter();
    resources.push(waiter::close);
    Watch watch =
        new Watch(
            waiter,
            TimeSource.system(),
            described,
            vcpu::kick,
            new Breaches()::fail,
            "watch-" + spec.name());
    resources.push(watch::close);
    return new HostedLink(
        platform, watch, vcpu::kick, described, parts.getOrDefault(false, List.of()));
  }

  private InjectingLink inject(Platform platform, Vcpu vcpu, List<ReadinessSource> sources) {
    InterruptInjector injector =
        vcpu.ability(InterruptInjector.class)
            .orElseThrow(
                () ->
                    new ConfigurationException(
                        "image %s needs interrupts, which backend %s cannot deliver"
                            .formatted(spec.name(), hypervisor.name())));
    Waiter waiter = hypervisor.createWaiter();
    resources.push(waiter::close);
    Alarm alarm = new Alarm(waiter, time, vcpu::kick, new Breaches()::fail, "alarm-" + spec.name());
    resources.push(alarm::close);
    return new InjectingLink(platform, vcpu, injector, time, alarm, sources);
  }

  private static BootImage readImage(MachineSpec spec) {
    try (Image image = spec.image().get()) {
      return spec.protocol().open(image);
    }
  }

  private static void checkDevices(MachineSpec spec, BootImage image) {
    for (DeclaredDevice device : image.devices()) {
      if (!spec.devices().containsKey(device.name())) {
        throw new ConfigurationException(
            "device %s of type %s is declared by %s but not attached: attach one by this name; its manifest has %s"
                .formatted(
                    device.name(), device.type(), spec.name(), DeviceFactory.manifest(image)));
      }
    }
    for (String name : spec.devices().keySet()) {
      if (image.devices().stream().noneMatch(device -> device.name().equals(name))) {
        throw new ConfigurationException(
            "device %s is attached but not declared by %s; its manifest has %s"
                .formatted(name, spec.name(), DeviceFactory.manifest(image)));
      }
    }
  }

  private Hypervisor acquireHypervisor() {
    // A switch over types would spin a class, which costs a start of the JVM milliseconds.
    if (spec.host() instanceof MachineSpec.Shared shared) {
      SharedHypervisors.Lease lease = shared.share().get();
      resources.push(lease::close);
      return lease.hypervisor();
    }
    return ((MachineSpec.Given) spec.host()).hypervisor();
  }

  private List<AttachedDevice> activate(
      BootImage image,
      Map<String, Device> devices,
      HandlerTable handlers,
      @Nullable Platform platform) {
    DeviceCalls calls = new DeviceCalls(handlers);
    List<AttachedDevice> attached = new ArrayList<>();
    for (DeclaredDevice declared : image.devices()) {
      Device device = Objects.requireNonNull(devices.get(declared.name()));
      attached.add(
          new DeviceBinding(
                  declared,
                  vm.memory(),
                  time,
                  entropy,
                  handlers,
                  calls,
                  this::hostFailure,
                  platform)
              .activate(device));
    }
    return attached;
  }

  private void hostFailure(String device, String what, Exception cause) {
    LOG.warn("device {} of {}: {} failed", device, spec.name(), what, cause);
    Monitor owner = monitor;
    if (owner != null) {
      observe(observer -> observer.deviceError(owner, device, what, cause));
    }
  }

  /**
   * Creates the run of the guest.
   *
   * @param owner told to observers
   * @return the run, to be {@linkplain #start started} once
   */
  public Execution createExecution(Monitor owner) {
    monitor = owner;
    return new Execution(loop, spec.limit(), new Events(owner), console::drain);
  }

  /**
   * Starts the guest; if its executor runs it on the calling thread, returns after its end.
   *
   * @param execution the run
   */
  public void start(Execution execution) {
    execution.start(
        spec.executor()
            .orElse(guest -> Thread.ofPlatform().name("vcpu-" + spec.name() + "-0").start(guest)));
  }

  /** Hands the events of the run to the observers. */
  private final class Events implements Execution.Listener {
    private final Monitor owner;

    Events(Monitor owner) {
      this.owner = owner;
    }

    @Override
    public void started() {
      observe(observer -> observer.started(owner));
    }

    @Override
    public void waiting(long deadlineNanos) {
      observe(observer -> observer.waiting(owner, deadlineNanos));
    }

    @Override
    public void ended(RunResult result) {
      LOG.debug(
          "{} ended with {} after {}{}",
          spec.name(),
          result,
          loop.counts(),
          unprivilegedReason.map(why -> ", unprivileged because " + why).orElse(""));
      observe(observer -> observer.ended(owner, result, loop.counts()));
    }

    @Override
    public void failed(Throwable cause) {
      LOG.debug("{} failed after {}", spec.name(), loop.counts(), cause);
      observe(observer -> observer.failed(owner, cause, loop.counts()));
    }
  }

  /**
   * Tells all observers.
   *
   * @param event what happened
   */
  public void observe(Consumer<MonitorObserver> event) {
    for (MonitorObserver observer : spec.observers()) {
      try {
        event.accept(observer);
      } catch (RuntimeException e) {
        LOG.warn("observer {} of {} failed", observer, spec.name(), e);
      }
    }
  }

  /** {@return the name for logs and threads} */
  public String name() {
    return spec.name();
  }

  /** {@return the hypervisor} */
  public Hypervisor hypervisor() {
    return hypervisor;
  }

  /** {@return why the guest runs unprivileged, or empty if it does not} */
  public Optional<String> unprivilegedReason() {
    return unprivilegedReason;
  }

  /** {@return the guest's memory} */
  public GuestMemory memory() {
    return vm.memory();
  }

  /** {@return how much output was dropped} */
  public long droppedConsoleByteCount() {
    return console.droppedByteCount();
  }

  /**
   * Frees everything; the guest must not be running.
   *
   * @throws IllegalStateException if guest memory is in use; nothing else is freed then, and
   *     closing may be repeated
   */
  @Override
  public void close() {
    // They use guest memory.
    doorbells.forEach(DoorbellServer::close);
    try {
      vm.close();
    } catch (HostCallException e) {
      // It is closed all the same. Told after the rest is.
      resources.push(
          () -> {
            throw e;
          });
    }
    resources.close();
  }

  private final class Context implements BootContext {
    private final Vcpu vcpu;
    private final List<AttachedDevice> devices;
    private final HandlerTable handlers;

    Context(Vcpu vcpu, List<AttachedDevice> devices, HandlerTable handlers) {
      this.vcpu = vcpu;
      this.devices = devices;
      this.handlers = handlers;
    }

    @Override
    public Vm vm() {
      return vm;
    }

    @Override
    public Vcpu vcpu() {
      return vcpu;
    }

    @Override
    public List<String> arguments() {
      return spec.arguments();
    }

    @Override
    public List<AttachedDevice> devices() {
      return devices;
    }

    @Override
    public GuestCallRegistry registry() {
      return handlers;
    }

    @Override
    public void doorbell(int port, String owner, SharedWork work) {
      DoorbellServer server =
          new DoorbellServer(
              port,
              owner,
              Thread.ofPlatform().daemon().name("doorbell-" + spec.name()).factory(),
              work,
              vm.ability(Doorbells.class),
              hypervisor::createWaiter,
              new Breaches());
      handlers.ports(port, 1, owner, server);
      doorbells.add(server);
    }

    @Override
    public ConsoleOutput console() {
      return console;
    }
  }

  /** What goes wrong while the guest runs, which it does only once there is a loop. */
  private final class Breaches implements DoorbellServer.Listener {
    @Override
    public void fault(String reason) {
      loop.requestFault(reason);
    }

    @Override
    public void fail(Throwable cause) {
      loop.requestFailure(cause);
    }
  }
}
