// SPDX-License-Identifier: ISC
package dev.tealight.multiboot;

import dev.tealight.ConfigurationException;
import dev.tealight.GuestMemory;
import dev.tealight.Image;
import dev.tealight.ImageException;
import dev.tealight.multiboot.Multiboot.Module;
import dev.tealight.spi.BootContext;
import dev.tealight.spi.BootImage;
import dev.tealight.spi.GuestArchitecture;
import dev.tealight.spi.HypercallConvention;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A multiboot kernel that was read and checked. Immutable. */
public final class MultibootImage implements BootImage {

  /** What is below belongs to the boot information, and on a PC to its firmware and screen. */
  static final long LOWEST_ADDRESS = 0x100000;

  private static final long MAX_MEMORY = 4L << 30;
  private static final long PAGE = GuestMemory.PAGE_BYTE_SIZE;

  /**
   * A part of the kernel that is loaded.
   *
   * @param gpa where its first byte goes
   * @param fileByteSize bytes that the image holds for it
   * @param memoryByteSize bytes it takes in memory, the rest being zero
   */
  public record Segment(long gpa, long fileByteSize, long memoryByteSize) {

    /** {@return the address behind it} */
    public long end() {
      return gpa + memoryByteSize;
    }

    boolean contains(long address) {
      return address >= gpa && address < end();
    }
  }

  private final String name;
  private final MultibootHeader header;
  private final Segments.Loaded loaded;
  private final List<Module> modules;
  private final List<DeclaredDevice> devices;

  private MultibootImage(
      String name,
      MultibootHeader header,
      Segments.Loaded loaded,
      List<Module> modules,
      List<DeclaredDevice> devices) {
    this.name = name;
    this.header = header;
    this.loaded = loaded;
    this.modules = modules;
    this.devices = devices;
  }

  static MultibootImage read(Image image, List<Module> modules, List<DeclaredDevice> devices) {
    MultibootHeader header =
        MultibootHeader.find(image)
            .orElseThrow(
                () ->
                    new ImageException(
                        "image %s has no multiboot header in its first 8192 bytes"
                            .formatted(image.name())));
    return new MultibootImage(image.name(), header, Segments.read(image, header), modules, devices);
  }

  /** {@return the header} */
  public MultibootHeader header() {
    return header;
  }

  /** {@return what is loaded, in the image's order} */
  public List<Segment> segments() {
    return loaded.segments();
  }

  /** {@return the address of the first instruction, 32-bit code} */
  public long entry() {
    return loaded.entry();
  }

  private long end() {
    return loaded.segments().stream().mapToLong(Segment::end).max().orElse(LOWEST_ADDRESS);
  }

  /** The modules follow the kernel, each from a page of its own. */
  private List<BootInformation.Placed> placeModules() {
    List<BootInformation.Placed> placed = new ArrayList<>();
    long at = end();
    for (Module module : modules) {
      long start = (at + PAGE - 1) & -PAGE;
      at = start + module.content().length;
      placed.add(new BootInformation.Placed(start, module));
    }
    return placed;
  }

  @Override
  public GuestArchitecture architecture() {
    return GuestArchitecture.X86_64;
  }

  /** {@return those it was opened with: a kernel declares none} */
  @Override
  public List<DeclaredDevice> devices() {
    return devices;
  }

  @Override
  public long memoryByteSize(long requestedByteSize) {
    long byteSize = requestedByteSize & -PAGE;
    if (requestedByteSize <= 0 || byteSize > MAX_MEMORY) {
      throw new ConfigurationException(
          "guest memory of %d bytes: give from 1 to %d".formatted(requestedByteSize, MAX_MEMORY));
    }
    List<BootInformation.Placed> placed = placeModules();
    long needed = placed.isEmpty() ? end() : placed.getLast().end();
    if (needed > byteSize) {
      throw new ConfigurationException(
          "guest memory of %d bytes is too small for image %s, which with its modules ends at 0x%x"
              .formatted(byteSize, name, needed));
    }
    return byteSize;
  }

  @Override
  public HypercallConvention hypercalls() {
    return HypercallConvention.NONE;
  }

  @Override
  public Optional<String> platform() {
    return Optional.of("pc");
  }

  @Override
  public void boot(BootContext context) {
    MemorySegment memory = context.vm().memory().unrestricted();
    for (int i = 0; i < loaded.segments().size(); i++) {
      copy(loaded.contents().get(i), memory, loaded.segments().get(i).gpa());
    }
    List<BootInformation.Placed> placed = placeModules();
    for (BootInformation.Placed module : placed) {
      copy(module.module().content(), memory, module.start());
    }
    new BootInformation(memory).write(kernelName(), context.arguments(), placed);
    context.vcpu().writeState(ProtectedMode.state(loaded.entry(), BootInformation.ADDRESS));
  }

  private static void copy(byte[] content, MemorySegment memory, long gpa) {
    MemorySegment.copy(content, 0, memory, ValueLayout.JAVA_BYTE, gpa, content.length);
  }

  /** The first word of the command line, which kernels take for their own name. */
  private String kernelName() {
    return name.substring(name.lastIndexOf('/') + 1).replaceAll("\\s", "_");
  }
}
