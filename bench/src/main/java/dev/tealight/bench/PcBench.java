// SPDX-License-Identifier: ISC
package dev.tealight.bench;

import dev.tealight.Console;
import dev.tealight.Hypervisor;
import dev.tealight.Hypervisors;
import dev.tealight.Monitor;
import dev.tealight.RunHandle;
import dev.tealight.device.DeviceConfig;
import dev.tealight.device.block.BlockConfig;
import dev.tealight.device.net.NetConfig;
import dev.tealight.device.net.StreamSocket;
import dev.tealight.multiboot.Multiboot;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;

/**
 * The same multiboot kernels on the software CPU with its small PC and on QEMU's TCG with a larger
 * one, in turns: the start, single sectors from a file, and frames over a Unix socket and back.
 */
final class PcBench {
  private static final int SECTORS = 20_000;
  private static final int FRAMES = 2_000;
  private static final int FRAME_BYTE_SIZE = 60;
  private static final int DISK_BYTE_SIZE = 4 << 20;
  private static final long MEMORY_BYTE_SIZE = 64 << 20;

  private final Path guests;
  private final List<String> qemu;
  private final Path folder;
  private final Path disk;

  private PcBench(Path guests, List<String> qemu, Path folder) throws IOException {
    this.guests = guests;
    this.qemu = qemu;
    this.folder = folder;
    disk = Files.write(folder.resolve("disk"), new byte[DISK_BYTE_SIZE]);
  }

  /** The moments of a run, in nanoseconds. */
  private static final class Moments {
    private final StringBuilder line = new StringBuilder();
    private final AtomicLong start = new AtomicLong();
    private final AtomicLong end = new AtomicLong();

    void take(byte[] bytes, int offset, int length) {
      for (int i = offset; i < offset + length; i++) {
        if (bytes[i] != '\n') {
          line.append((char) bytes[i]);
          continue;
        }
        // Firmware may have left something in front of the kernel's first line.
        if (line.toString().endsWith("start")) {
          start.set(System.nanoTime());
        } else if (line.toString().endsWith("end")) {
          end.set(System.nanoTime());
        }
        line.setLength(0);
      }
    }

    void takeAll(InputStream in) throws IOException {
      byte[] bytes = new byte[4096];
      for (int count = in.read(bytes); count >= 0; count = in.read(bytes)) {
        take(bytes, 0, count);
      }
    }

    double startMillis(long began) {
      if (start.get() == 0 || end.get() == 0) {
        throw new IllegalStateException("the kernel did not come to its end: " + line);
      }
      return (start.get() - began) / 1e6;
    }

    double sectorsPerSecond() {
      return SECTORS * 1e9 / (end.get() - start.get());
    }
  }

  /**
   * Compares, or runs the kernel {@code sectors} once.
   *
   * @param arguments the folder of kernels, how many rounds, and the command for QEMU without what
   *     differs between the kernels; or {@code once}, the kernel and a disk
   */
  public static void main(String[] arguments) throws IOException, InterruptedException {
    if (arguments[0].equals("once")) {
      try (Hypervisor hypervisor = Hypervisors.open("softcpu");
          Monitor monitor =
              sectors(
                      hypervisor,
                      Path.of(arguments[1]),
                      Path.of(arguments[2]),
                      Console.to(System.out))
                  .build()) {
        monitor.run();
      }
      return;
    }
    Path folder = Files.createTempDirectory("tealight-pc");
    try {
      new PcBench(Path.of(arguments[0]), List.of(arguments).subList(2, arguments.length), folder)
          .compare(Integer.parseInt(arguments[1]));
    } finally {
      try (Stream<Path> files = Files.list(folder)) {
        for (Path file : files.toList()) {
          Files.delete(file);
        }
      }
      Files.delete(folder);
    }
  }

  private void compare(int rounds) throws IOException, InterruptedException {
    double[] qemuStart = new double[rounds];
    double[] coldStart = new double[rounds];
    double[] warmStart = new double[rounds];
    double[] qemuSectors = new double[rounds];
    double[] warmSectors = new double[rounds];
    double[] qemuTrip = new double[rounds];
    double[] warmTrip = new double[rounds];
    try (Hypervisor hypervisor = Hypervisors.open("softcpu")) {
      warm(hypervisor); // once in vain: the JVM has to see the code
      warmTrip(hypervisor);
      for (int i = 0; i < rounds; i++) {
        long began = System.nanoTime();
        Moments moments = process(qemuDisk());
        qemuStart[i] = moments.startMillis(began);
        qemuSectors[i] = moments.sectorsPerSecond();
        began = System.nanoTime();
        coldStart[i] = process(once()).startMillis(began);
        began = System.nanoTime();
        moments = warm(hypervisor);
        warmStart[i] = moments.startMillis(began);
        warmSectors[i] = moments.sectorsPerSecond();
        qemuTrip[i] = qemuTrip();
        warmTrip[i] = warmTrip(hypervisor);
      }
    }
    print("start to first line, cold JVM, ms", coldStart, qemuStart);
    print("start to first line, warm JVM, ms", warmStart, qemuStart);
    print("single sectors per second", warmSectors, qemuSectors);
    print("frame there and back, us", warmTrip, qemuTrip);
  }

  private static void print(String what, double[] own, double[] qemu) {
    System.out.printf(
        "%-36s %-24s qemu %-24s ratio %s%n",
        what, Sample.of(own), Sample.of(qemu), Sample.ratio(own, qemu));
  }

  private static Monitor.Builder sectors(
      Hypervisor hypervisor, Path kernel, Path disk, Console console) {
    return kernel(hypervisor, kernel, "disk", "BLOCK_BASIC", BlockConfig.file(disk))
        .arguments(Integer.toString(SECTORS))
        .console(console);
  }

  private static Monitor.Builder kernel(
      Hypervisor hypervisor, Path kernel, String name, String type, DeviceConfig device) {
    return Monitor.builder()
        .image(kernel)
        .bootProtocol(Multiboot.PROTOCOL.withDevice(name, type))
        .memoryByteSize(MEMORY_BYTE_SIZE)
        .device(name, device)
        .hypervisor(hypervisor);
  }

  private Moments warm(Hypervisor hypervisor) throws InterruptedException {
    Moments moments = new Moments();
    try (Monitor monitor =
        sectors(hypervisor, guests.resolve("sectors.elf"), disk, Console.direct(moments::take))
            .build()) {
      monitor.run();
    }
    return moments;
  }

  private List<String> once() {
    return List.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-cp",
        System.getProperty("java.class.path"),
        PcBench.class.getName(),
        "once",
        guests.resolve("sectors.elf").toString(),
        disk.toString());
  }

  private List<String> qemu(String kernel, String... more) {
    List<String> command = new ArrayList<>(qemu);
    command.addAll(List.of("-kernel", guests.resolve(kernel).toString()));
    command.addAll(Arrays.asList(more));
    return command;
  }

  private List<String> qemuDisk() {
    return qemu(
        "sectors.elf",
        "-append",
        Integer.toString(SECTORS),
        "-drive",
        "if=none,id=disk,format=raw,file=" + disk,
        "-device",
        "virtio-blk-pci,drive=disk");
  }

  private static Moments process(List<String> command) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    Moments moments = new Moments();
    try (InputStream in = process.getInputStream()) {
      moments.takeAll(in);
    }
    process.waitFor();
    return moments;
  }

  private double qemuTrip() throws IOException, InterruptedException {
    Path socket = folder.resolve("socket");
    try (ServerSocketChannel server = listen(socket)) {
      Process process =
          new ProcessBuilder(
                  qemu(
                      "echo.elf",
                      "-netdev",
                      "stream,id=net,server=off,addr.type=unix,addr.path=" + socket,
                      "-device",
                      "virtio-net-pci,netdev=net"))
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      try (SocketChannel guest = server.accept()) {
        return trip(guest);
      } finally {
        if (!process.waitFor(10, TimeUnit.SECONDS)) {
          process.destroyForcibly().waitFor();
        }
      }
    } finally {
      Files.deleteIfExists(socket);
    }
  }

  private double warmTrip(Hypervisor hypervisor) throws IOException, InterruptedException {
    Path socket = folder.resolve("socket");
    try (ServerSocketChannel server = listen(socket);
        Monitor monitor =
            kernel(
                    hypervisor,
                    guests.resolve("echo.elf"),
                    "net",
                    "NET_BASIC",
                    NetConfig.of(StreamSocket.at(socket)))
                .console(Console.direct((bytes, offset, length) -> {}))
                .build();
        SocketChannel guest = server.accept()) {
      RunHandle handle = monitor.start();
      double micros = trip(guest);
      handle.await();
      return micros;
    } finally {
      Files.deleteIfExists(socket);
    }
  }

  private static ServerSocketChannel listen(Path socket) throws IOException {
    return ServerSocketChannel.open(StandardProtocolFamily.UNIX)
        .bind(UnixDomainSocketAddress.of(socket));
  }

  /** Waits for the guest's first frame, then for each of its answers; the last one ends it. */
  private static double trip(SocketChannel guest) throws IOException {
    DataInputStream in = new DataInputStream(Channels.newInputStream(guest));
    DataOutputStream out = new DataOutputStream(Channels.newOutputStream(guest));
    byte[] hello = next(in);
    byte[] frame = new byte[Integer.BYTES + FRAME_BYTE_SIZE];
    frame[Integer.BYTES - 1] = FRAME_BYTE_SIZE;
    System.arraycopy(hello, 6, frame, Integer.BYTES, 6);
    frame[Integer.BYTES + 6] = 2;
    System.arraycopy(hello, 12, frame, Integer.BYTES + 12, 2);
    long began = System.nanoTime();
    for (int i = 0; i < FRAMES; i++) {
      out.write(frame);
      byte[] answer = next(in);
      if (answer.length != FRAME_BYTE_SIZE || answer[0] != 2) {
        throw new IllegalStateException(
            "a frame came back as " + new String(answer, StandardCharsets.ISO_8859_1));
      }
    }
    double micros = (System.nanoTime() - began) / 1e3 / FRAMES;
    frame[Integer.BYTES + 14] = 'e';
    out.write(frame);
    next(in);
    return micros;
  }

  private static byte[] next(DataInputStream in) throws IOException {
    byte[] frame = new byte[in.readInt()];
    in.readFully(frame);
    return frame;
  }
}
