// SPDX-License-Identifier: ISC
package dev.tealight.device.block;

import dev.tealight.ConfigurationException;
import dev.tealight.DeviceException;
import dev.tealight.device.BlockBacking;
import dev.tealight.device.Device;
import dev.tealight.device.DeviceConfig;
import dev.tealight.device.block.internal.ArrayBacking;
import dev.tealight.device.block.internal.BlockDevice;
import dev.tealight.device.block.internal.ChannelBacking;
import dev.tealight.device.block.internal.FileBacking;
import dev.tealight.device.block.internal.FileChanges;
import dev.tealight.device.block.internal.HeapChanges;
import dev.tealight.device.block.internal.OverlayBacking;
import dev.tealight.device.block.internal.ZeroBacking;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.NonReadableChannelException;
import java.nio.channels.NonWritableChannelException;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A block device: where its bytes are, and how the guest sees them. Immutable; may make any number
 * of devices, though two guests that write to one file spoil it for each other.
 *
 * <p>The capacity is the size of the storage when the device is made and never changes. It must be
 * a positive multiple of the sector size.
 */
public final class BlockConfig implements DeviceConfig {

  /** The sector size unless {@link #sectorByteSize(int)} is called: 512 bytes. */
  public static final int DEFAULT_SECTOR_BYTE_SIZE = 512;

  private static final int MAX_SECTOR_BYTE_SIZE = 32 * 1024;

  /** Opens the storage. */
  @FunctionalInterface
  public interface Source {

    /**
     * Opens the storage, for one device.
     *
     * @param readOnly whether nothing will be written
     * @return storage that the device closes
     * @throws IOException if the host refuses
     */
    BlockBacking open(boolean readOnly) throws IOException;
  }

  private final String description;
  private final Source source;
  private final boolean readOnly;
  private final int sectorByteSize;
  private final Fsync fsync;

  private BlockConfig(
      String description, Source source, boolean readOnly, int sectorByteSize, Fsync fsync) {
    this.description = description;
    this.source = Objects.requireNonNull(source, "source");
    this.readOnly = readOnly;
    this.sectorByteSize = sectorByteSize;
    this.fsync = Objects.requireNonNull(fsync, "fsync");
  }

  /**
   * {@return a device over a file or a host's block device, which must exist}
   *
   * @param path opened for reading and writing unless {@link #readOnly()} is called
   */
  public static BlockConfig file(Path path) {
    Objects.requireNonNull(path, "path");
    return of("file " + path, readOnly -> FileBacking.open(path, readOnly));
  }

  /**
   * {@return a device over an open channel} A {@link FileChannel} is read and written at absolute
   * positions and keeps its own; of other channels the position is moved, so nobody else may use
   * them meanwhile.
   *
   * @param channel open for reading, and for writing unless {@link #readOnly()} is called; stays
   *     the caller's to close, after the monitor
   */
  public static BlockConfig channel(SeekableByteChannel channel) {
    Objects.requireNonNull(channel, "channel");
    return of(
        "channel",
        readOnly -> {
          checkAccess(channel, readOnly);
          return channel instanceof FileChannel file
              ? FileBacking.over(file, readOnly)
              : new ChannelBacking(channel, readOnly);
        });
  }

  /** Refuses a channel that cannot do what a guest is going to ask for. */
  private static void checkAccess(SeekableByteChannel channel, boolean readOnly)
      throws IOException {
    try {
      int _ = channel.read(ByteBuffer.allocate(0));
    } catch (NonReadableChannelException e) {
      throw new IOException("it is not open for reading", e);
    }
    if (!readOnly) {
      try {
        int _ = channel.write(ByteBuffer.allocate(0));
      } catch (NonWritableChannelException e) {
        throw new IOException("it is open for reading only: use readOnly()", e);
      }
    }
  }

  /**
   * {@return a device in the JVM's heap that starts as zeros and is gone when it is closed}
   *
   * @param byteSize capacity; heap is used for what the guest writes, in pieces of 64 KiB
   */
  public static BlockConfig memory(long byteSize) {
    if (byteSize < 0) {
      throw new ConfigurationException(
          "block device in memory of %d bytes: give a positive size".formatted(byteSize));
    }
    return overlay(of("memory", readOnly -> new ZeroBacking(byteSize)));
  }

  /**
   * {@return a device in the JVM's heap that starts with the given bytes and is gone when it is
   * closed}
   *
   * @param bytes initial content; neither copied nor changed, and must not change
   */
  public static BlockConfig memory(byte[] bytes) {
    Objects.requireNonNull(bytes, "bytes");
    return overlay(of("memory", readOnly -> new ArrayBacking(bytes)));
  }

  /**
   * {@return a device that reads from another and keeps what is written in the JVM's heap, until it
   * is closed}
   *
   * @param base opened read-only; gives the capacity and the sector size. What the guest writes
   *     takes heap, up to the capacity
   */
  public static BlockConfig overlay(BlockConfig base) {
    return base.over(HeapChanges::new);
  }

  /**
   * {@return a device that reads from another and keeps what is written in a file} The same file
   * over the same base goes on where it ended.
   *
   * @param base opened read-only, must not change; gives the capacity and the sector size
   * @param changes made if missing; takes the host's space for what was written, in pieces of 64
   *     KiB
   */
  public static BlockConfig overlay(BlockConfig base, Path changes) {
    Objects.requireNonNull(changes, "changes");
    return base.over(byteSize -> FileChanges.open(changes, byteSize));
  }

  private BlockConfig over(OverlayBacking.Opener changes) {
    Source base = source;
    return new BlockConfig(
        "overlay over " + description,
        readOnly -> OverlayBacking.open(base.open(true), changes, readOnly),
        false,
        sectorByteSize,
        fsync);
  }

  /**
   * {@return a device over storage of the embedder's own}
   *
   * @param description for messages
   * @param source opens it
   */
  public static BlockConfig of(String description, Source source) {
    return new BlockConfig(description, source, false, DEFAULT_SECTOR_BYTE_SIZE, Fsync.NEVER);
  }

  /** {@return the same device, refusing writes: the guest gets an error code for them} */
  public BlockConfig readOnly() {
    return new BlockConfig(description, source, true, sectorByteSize, fsync);
  }

  /**
   * {@return the same device with another sector size}
   *
   * @param byteSize told to the guest; a power of two, 512 to 32768
   * @throws ConfigurationException if it is not
   */
  public BlockConfig sectorByteSize(int byteSize) {
    if (byteSize < DEFAULT_SECTOR_BYTE_SIZE
        || byteSize > MAX_SECTOR_BYTE_SIZE
        || Integer.bitCount(byteSize) != 1) {
      throw refusedSectorSize(Integer.toString(byteSize));
    }
    return new BlockConfig(description, source, readOnly, byteSize, fsync);
  }

  /**
   * {@return the same device with the sector size given as text}
   *
   * @param byteSize decimal; a power of two, 512 to 32768
   * @throws ConfigurationException if it is not
   */
  public BlockConfig sectorByteSize(String byteSize) {
    int value;
    try {
      value = Integer.parseInt(byteSize);
    } catch (NumberFormatException e) {
      throw refusedSectorSize(byteSize);
    }
    return sectorByteSize(value);
  }

  private static ConfigurationException refusedSectorSize(String value) {
    // The first sentence is Solo5's, word for word: its test suite looks for it.
    return new ConfigurationException(
        ("Block size must be a multiple of 2 greater than or equal 512: %s is no power of two from"
                + " 512 to 32768")
            .formatted(value));
  }

  /**
   * {@return the same device with another policy on forcing writes out; {@link Fsync#NEVER} unless
   * called}
   *
   * @param policy when to force
   */
  public BlockConfig fsync(Fsync policy) {
    return new BlockConfig(description, source, readOnly, sectorByteSize, policy);
  }

  @Override
  public Device create(String name) {
    BlockBacking backing;
    try {
      backing = source.open(readOnly);
    } catch (IOException e) {
      throw new DeviceException(
          "device %s: %s cannot be opened: %s".formatted(name, description, reason(e)), e);
    }
    try {
      checkCapacity(name, backing.byteSize());
      BlockDevice device = new BlockDevice(name, backing, sectorByteSize, fsync);
      backing = null;
      return device;
    } finally {
      closeUnused(backing);
    }
  }

  private void checkCapacity(String name, long byteSize) {
    if (byteSize < sectorByteSize) {
      throw new ConfigurationException(
          "device %s: %s holds %d bytes, less than one block of %d bytes"
              .formatted(name, description, byteSize, sectorByteSize));
    }
    if (byteSize % sectorByteSize != 0) {
      // The first sentence is Solo5's, word for word: its test suite looks for it.
      throw new ConfigurationException(
          "device %s: Backing storage size must be block aligned (%d bytes), but %s holds %d bytes"
              .formatted(name, sectorByteSize, description, byteSize));
    }
  }

  private static void closeUnused(@Nullable BlockBacking backing) {
    if (backing != null) {
      try {
        backing.close();
      } catch (IOException e) {
        // Nothing was written, and why the device is refused is on its way to the caller.
      }
    }
  }

  private static String reason(IOException e) {
    return switch (e) {
      case NoSuchFileException missing -> "no such file";
      case AccessDeniedException denied -> "permission denied";
      case FileSystemException other when other.getReason() != null -> other.getReason();
      default -> String.valueOf(e.getMessage());
    };
  }

  @Override
  public String toString() {
    return "block device over " + description;
  }
}
