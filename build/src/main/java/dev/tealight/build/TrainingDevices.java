// SPDX-License-Identifier: ISC
package dev.tealight.build;

import dev.tealight.spi.BootImage.DeclaredDevice;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What a guest's devices are attached to while its start is recorded. */
final class TrainingDevices implements AutoCloseable {
  private final List<String> words = new ArrayList<>();
  private final List<ServerSocketChannel> peers = new ArrayList<>();
  private final List<Path> folders = new ArrayList<>();

  private TrainingDevices() {}

  /**
   * Makes them. Devices of other types than a disk and a network stay away: the record then ends
   * where the guest is refused.
   *
   * @param devices that the image declares
   * @param scratch folder for files, which the caller deletes
   */
  static TrainingDevices of(List<DeclaredDevice> devices, Path scratch) throws IOException {
    TrainingDevices made = new TrainingDevices();
    try {
      for (DeclaredDevice device : devices) {
        switch (device.type()) {
          case "BLOCK_BASIC" -> made.addDisk(device.name(), scratch);
          case "NET_BASIC" -> made.addNetwork(device.name());
          default -> {}
        }
      }
      return made;
    } catch (IOException e) {
      made.close();
      throw e;
    }
  }

  private void addDisk(String name, Path scratch) throws IOException {
    Path disk = Files.write(scratch.resolve(name + ".disk"), new byte[1 << 20]);
    words.add("--block:%s=%s".formatted(name, disk));
  }

  private void addNetwork(String name) throws IOException {
    // Not in the scratch folder: names of sockets are short.
    Path folder = Files.createTempDirectory("tealight-");
    folders.add(folder);
    Path socket = folder.resolve("peer");
    ServerSocketChannel peer = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    peers.add(peer);
    peer.bind(UnixDomainSocketAddress.of(socket));
    words.add("--net:%s=unix:%s".formatted(name, socket));
  }

  /** {@return the words of the command line that attach them} */
  List<String> words() {
    return words;
  }

  @Override
  public void close() throws IOException {
    for (ServerSocketChannel peer : peers) {
      peer.close();
    }
    for (Path folder : folders) {
      Folders.delete(folder);
    }
  }
}
