// SPDX-License-Identifier: ISC
package dev.tealight.solo5;

import dev.tealight.ConfigurationException;
import dev.tealight.GuestMemory;
import dev.tealight.Image;
import dev.tealight.ImageException;
import dev.tealight.Protection;
import dev.tealight.spi.BootContext;
import dev.tealight.spi.BootContext.AttachedDevice;
import dev.tealight.spi.BootImage;
import dev.tealight.spi.GuestArchitecture;
import dev.tealight.spi.HypercallConvention;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** A Solo5 hvt image that was read and checked. Immutable. */
public final class HvtImage implements BootImage {

  /**
   * What the ABI note says.
   *
   * @param target 1 hvt, 2 spt, 3 virtio, 4 muen, 5 genode, 6 xen
   * @param version of that target's ABI
   */
  public record Abi(int target, int version) {

    /** {@return the target's name, or its number where there is none} */
    public String targetName() {
      return switch (target) {
        case 1 -> "hvt";
        case 2 -> "spt";
        case 3 -> "virtio";
        case 4 -> "muen";
        case 5 -> "genode";
        case 6 -> "xen";
        default -> Integer.toUnsignedString(target);
      };
    }
  }

  /**
   * A part of the image that is loaded.
   *
   * @param gpa where its first byte goes
   * @param fileByteSize bytes that the image holds for it
   * @param memoryByteSize bytes it takes in memory, the rest being zero
   * @param start of its pages
   * @param end of its pages, exclusive
   * @param protection what the guest may do there
   */
  public record Segment(
      long gpa,
      long fileByteSize,
      long memoryByteSize,
      long start,
      long end,
      Protection protection) {}

  private final String name;
  private final Abi abi;
  private final Manifest manifest;
  private final GuestArchitecture architecture;
  private final long entry;
  private final List<Segment> segments;
  private final List<byte[]> contents;
  private final long ringByteSize; // of memory behind the guest's

  private HvtImage(
      String name,
      Abi abi,
      Manifest manifest,
      GuestArchitecture architecture,
      long entry,
      List<Segment> segments,
      List<byte[]> contents,
      boolean hasRing) {
    this.name = name;
    this.abi = abi;
    this.manifest = manifest;
    this.architecture = architecture;
    this.entry = entry;
    this.segments = List.copyOf(segments);
    this.contents = List.copyOf(contents);
    this.ringByteSize = hasRing ? HvtAbi.MEMORY_UNIT : 0;
  }

  private static boolean hasNetDevice(Manifest manifest) {
    // Not a stream, here and below: the classes it would take are a part of every cold start.
    for (Manifest.Entry entry : manifest.entries()) {
      if (entry.type() == Manifest.TYPE_NET) {
        return true;
      }
    }
    return false;
  }

  /**
   * Reads an image.
   *
   * @param image what to read
   * @param offersRing whether guests with network devices get the shared ring
   * @return what it holds, all of it checked
   * @throws ImageException if it is no hvt image of ABI version 2, or damaged
   */
  static HvtImage read(Image image, boolean offersRing) {
    ElfReader elf = new ElfReader(image);
    Abi abi = readAbi(elf);
    if (abi.target() != HvtAbi.TARGET_HVT) {
      throw new ImageException(
          "image %s is for Solo5's target %s, only hvt can be run"
              .formatted(image.name(), abi.targetName()));
    }
    if (abi.version() != HvtAbi.VERSION) {
      throw new ImageException(
          "image %s has hvt ABI version %s, only version %d can be run"
              .formatted(image.name(), Integer.toUnsignedString(abi.version()), HvtAbi.VERSION));
    }
    return read(image, elf, abi, readManifest(elf), offersRing);
  }

  private static HvtImage read(
      Image image, ElfReader elf, Abi abi, Manifest manifest, boolean offersRing) {
    if (elf.machine() != GuestArchitecture.X86_64.elfMachine()) {
      throw new ImageException(
          "image %s is for ELF machine %d, only %d (%s) can be run"
              .formatted(
                  image.name(),
                  elf.machine(),
                  GuestArchitecture.X86_64.elfMachine(),
                  GuestArchitecture.X86_64));
    }
    SegmentReader reader = new SegmentReader(elf);
    List<Segment> segments = reader.segments();
    List<byte[]> contents = new ArrayList<>();
    for (int i = 0; i < segments.size(); i++) {
      contents.add(reader.content(i));
    }
    long entry = elf.entry();
    if (entry < HvtAbi.LOAD_BASE || entry >= HvtAbi.MEMORY_LIMIT) {
      throw new ImageException(
          "image %s has its entry point at 0x%x, expected 0x%x or above and inside memory"
              .formatted(image.name(), entry, HvtAbi.LOAD_BASE));
    }
    return new HvtImage(
        image.name(),
        abi,
        manifest,
        GuestArchitecture.X86_64,
        entry,
        segments,
        contents,
        offersRing && hasNetDevice(manifest));
  }

  /**
   * Reads the ABI note of any Solo5 image, whatever its target.
   *
   * @param image what to read
   * @return what the note says
   * @throws ImageException if it is no Solo5 image
   */
  public static Abi abiOf(Image image) {
    return readAbi(new ElfReader(image));
  }

  /**
   * Reads the manifest of any Solo5 image, whatever its target.
   *
   * @param image what to read
   * @return the devices it declares
   * @throws ImageException if it has no valid manifest
   */
  public static Manifest manifestOf(Image image) {
    return readManifest(new ElfReader(image));
  }

  private static Abi readAbi(ElfReader elf) {
    ByteBuffer note =
        Solo5Note.ABI
            .find(elf)
            .orElseThrow(
                () ->
                    new ImageException(
                        "image %s has no Solo5 ABI note: it is no Solo5 unikernel, or one from before version 0.6"
                            .formatted(elf.imageName())));
    if (note.remaining() < 2 * Integer.BYTES) {
      throw new ImageException(
          "ABI note of image %s has %d bytes, expected at least 8"
              .formatted(elf.imageName(), note.remaining()));
    }
    return new Abi(note.getInt(0), note.getInt(Integer.BYTES));
  }

  private static Manifest readManifest(ElfReader elf) {
    ByteBuffer note =
        Solo5Note.MANIFEST
            .find(elf)
            .orElseThrow(
                () ->
                    new ImageException(
                        "image %s has no Solo5 manifest note".formatted(elf.imageName())));
    return Manifest.parse(elf.imageName(), note);
  }

  /** {@return where the image came from} */
  public String name() {
    return name;
  }

  /** {@return what its ABI note says} */
  public Abi abi() {
    return abi;
  }

  /** {@return the devices it declares} */
  public Manifest manifest() {
    return manifest;
  }

  /** {@return the address of its first instruction} */
  public long entry() {
    return entry;
  }

  /**
   * {@return what is loaded, by ascending address; zero-filled parts that the image does not hold
   * are not among it}
   */
  public List<Segment> segments() {
    return segments;
  }

  /** {@return the first address behind all segments: what the ABI calls kernel_end} */
  long end() {
    return segments.isEmpty() ? HvtAbi.LOAD_BASE : segments.getLast().end();
  }

  byte[] content(int segment) {
    return contents.get(segment);
  }

  @Override
  public GuestArchitecture architecture() {
    return architecture;
  }

  @Override
  public List<DeclaredDevice> devices() {
    return devicesOf(manifest);
  }

  static List<DeclaredDevice> devicesOf(Manifest manifest) {
    List<DeclaredDevice> devices = new ArrayList<>();
    for (int i = 0; i < manifest.entries().size(); i++) {
      Manifest.Entry entry = manifest.entries().get(i);
      // Types from here on need not be attached.
      if (Integer.compareUnsigned(entry.type(), Manifest.TYPE_RESERVED) < 0) {
        devices.add(new DeclaredDevice(entry.name(), entry.typeName(), i + 1));
      }
    }
    return List.copyOf(devices);
  }

  @Override
  public long memoryByteSize(long requestedByteSize) {
    if (requestedByteSize <= 0 || requestedByteSize > HvtAbi.MEMORY_LIMIT) {
      throw new ConfigurationException(
          "guest memory of %d bytes: give from 1 to %d"
              .formatted(requestedByteSize, HvtAbi.MEMORY_LIMIT));
    }
    long byteSize = Math.max(requestedByteSize / HvtAbi.MEMORY_UNIT, 1) * HvtAbi.MEMORY_UNIT;
    // Where there is no room behind the largest memory, the ring is taken from it.
    long withRing = Math.min(byteSize + ringByteSize, HvtAbi.MEMORY_LIMIT);
    checkFits(withRing - ringByteSize);
    return withRing;
  }

  private void checkFits(long byteSize) {
    if (end() > byteSize || entry >= byteSize) {
      throw new ConfigurationException(
          "guest memory of %d bytes is too small for image %s, which ends at 0x%x"
              .formatted(byteSize, name, Math.max(end(), entry + 1)));
    }
  }

  @Override
  public HypercallConvention hypercalls() {
    return X86Hypercalls.INSTANCE;
  }

  private static boolean takesFrames(List<AttachedDevice> devices) {
    for (AttachedDevice device : devices) {
      if (device.frames().isPresent()) {
        return true;
      }
    }
    return false;
  }

  @Override
  public void boot(BootContext context) {
    GuestMemory memory = context.vm().memory();
    long byteSize = memory.byteSize() - ringByteSize;
    if (byteSize % HvtAbi.MEMORY_UNIT != 0 || memory.byteSize() > HvtAbi.MEMORY_LIMIT) {
      throw new ConfigurationException(
          "guest memory of %d bytes: give a multiple of %d up to %d"
              .formatted(memory.byteSize(), HvtAbi.MEMORY_UNIT, HvtAbi.MEMORY_LIMIT));
    }
    checkFits(byteSize);
    boolean offersRing = ringByteSize > 0 && takesFrames(context.devices());
    HvtLoader.load(this, context, memory, byteSize, offersRing);
    X86Boot.enter(context.vcpu(), memory, byteSize, entry);
    X86Hypercalls.claim(context.registry());
    HvtHypercalls.register(context);
    if (offersRing) {
      context.doorbell(
          NetRing.PORT,
          "Solo5's ring",
          new NetRing(memory.unrestricted(), byteSize, context.devices()));
    }
  }
}
