// SPDX-License-Identifier: ISC
package dev.tealight.multiboot;

import dev.tealight.Image;
import dev.tealight.spi.BootImage.DeclaredDevice;
import dev.tealight.spi.BootProtocol;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * Kernels of the Multiboot specification, version 1. They find the parts of a PC that the platform
 * {@code pc} has, and no firmware.
 *
 * @see <a href="https://www.gnu.org/software/grub/manual/multiboot/multiboot.html">Multiboot
 *     Specification version 0.6.96</a>
 */
public final class Multiboot implements BootProtocol {

  /** Reads and boots kernels, without modules or devices. */
  public static final Multiboot PROTOCOL = new Multiboot(List.of(), List.of());

  /** A file that is loaded with the kernel. */
  public static final class Module {
    private final String text;
    private final byte[] content;

    /**
     * Creates one.
     *
     * @param text the words that go with it, customarily its name and arguments
     * @param content its bytes; not copied
     */
    public Module(String text, byte[] content) {
      this.text = Objects.requireNonNull(text, "text");
      this.content = Objects.requireNonNull(content, "content");
    }

    String text() {
      return text;
    }

    byte[] content() {
      return content;
    }
  }

  private final List<Module> modules;
  private final List<DeclaredDevice> devices;

  private Multiboot(List<Module> modules, List<DeclaredDevice> devices) {
    this.modules = modules;
    this.devices = devices;
  }

  /**
   * {@return a protocol that also loads modules}
   *
   * @param modules in the order in which the kernel finds them; they replace earlier ones
   */
  public Multiboot withModules(Module... modules) {
    return new Multiboot(List.of(modules), devices);
  }

  /**
   * {@return a protocol for kernels that have one more device} It is attached by its name, as if
   * the kernel declared it; the kernel finds it on the PCI bus, behind those added before.
   *
   * @param name for {@code Monitor.Builder.device}
   * @param type for instance {@code BLOCK_BASIC} or {@code NET_BASIC}
   */
  public Multiboot withDevice(String name, String type) {
    List<DeclaredDevice> more = new ArrayList<>(devices);
    more.add(new DeclaredDevice(name, type, more.size() + 1));
    return new Multiboot(modules, List.copyOf(more));
  }

  /**
   * Reads an image without booting it.
   *
   * @param image what to read; stays the caller's
   * @return what it holds, all of it checked
   * @throws dev.tealight.ImageException if it is no kernel of this kind, or damaged; says where
   */
  public static MultibootImage read(Image image) {
    return PROTOCOL.open(image);
  }

  @Override
  public String name() {
    return "multiboot";
  }

  @Override
  public MultibootImage open(Image image) {
    return MultibootImage.read(image, modules, devices);
  }
}
