// SPDX-License-Identifier: ISC
package dev.tealight.multiboot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tealight.ConfigurationException;
import dev.tealight.Image;
import dev.tealight.ImageException;
import dev.tealight.VmmException;
import dev.tealight.X86CpuState;
import dev.tealight.X86Register;
import dev.tealight.fake.FakeBoot;
import dev.tealight.spi.BootImage;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

/** Which images are taken for kernels, and what a kernel finds. */
class MultibootTest {
  private static final int MAGIC = 0x1badb002;
  private static final int ADDRESSES = 1 << 16;
  private static final long MIB = 1 << 20;

  /** A file of 0x3000 bytes with a header of addresses at an offset. */
  private static ByteBuffer withAddresses(int offset) {
    ByteBuffer file = ByteBuffer.allocate(0x3000).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < file.capacity(); i++) {
      file.put(i, (byte) (i >>> 4));
    }
    int flags = ADDRESSES | 3;
    file.putInt(offset, MAGIC).putInt(offset + 4, flags).putInt(offset + 8, -(MAGIC + flags));
    file.putInt(offset + 12, 0x100020); // header_addr
    file.putInt(offset + 16, 0x100000); // load_addr
    file.putInt(offset + 20, 0x101000); // load_end_addr
    file.putInt(offset + 24, 0x102000); // bss_end_addr
    file.putInt(offset + 28, 0x100040); // entry_addr
    return file;
  }

  private static byte[] bytes(ByteBuffer file) {
    byte[] bytes = new byte[file.capacity()];
    file.get(0, bytes);
    return bytes;
  }

  private static MultibootImage read(ByteBuffer file) {
    return Multiboot.read(Image.of("dir/my kernel", bytes(file)));
  }

  private static void assertRefused(ByteBuffer file, String why) {
    assertThatThrownBy(() -> read(file))
        .isInstanceOf(ImageException.class)
        .hasMessageContaining(why);
  }

  @Test
  void addressesInTheHeaderSayWhatIsLoaded() {
    MultibootImage image = read(withAddresses(0x1020));
    assertThat(image.header().fileOffset()).isEqualTo(0x1020);
    assertThat(image.entry()).isEqualTo(0x100040);
    assertThat(image.segments())
        .containsExactly(new MultibootImage.Segment(0x100000, 0x1000, 0x2000));
    assertThat(image.platform()).contains("pc");
  }

  @Test
  void kernelIsEnteredAsALoaderWouldWithWhatItWasTold() {
    ByteBuffer file = withAddresses(0x1020);
    BootImage image =
        Multiboot.PROTOCOL
            .withModules(
                new Multiboot.Module("config a", "content".getBytes(StandardCharsets.US_ASCII)))
            .open(Image.of("dir/my kernel", bytes(file)));
    try (FakeBoot boot = new FakeBoot(4 * MIB)) {
      boot.arguments = List.of("one", "two");
      image.boot(boot);
      X86CpuState state = boot.vcpu.readState();
      assertThat(state.get(X86Register.RIP)).isEqualTo(0x100040);
      assertThat(state.get(X86Register.RAX)).isEqualTo(0x2badb002L);
      assertThat(state.get(X86Register.CR0)).isEqualTo(0x11);
      long info = state.get(X86Register.RBX);
      assertThat(word(boot, info)).isEqualTo(0x24d);
      assertThat(word(boot, info + 4)).isEqualTo(640);
      assertThat(word(boot, info + 8)).isEqualTo(3 * 1024);
      assertThat(text(boot, word(boot, info + 16))).isEqualTo("my_kernel one two");
      int module = word(boot, info + 24);
      assertThat(word(boot, info + 20)).isEqualTo(1);
      assertThat(word(boot, module)).isEqualTo(0x102000);
      assertThat(word(boot, module + 4)).isEqualTo(0x102007);
      assertThat(text(boot, word(boot, module + 8))).isEqualTo("config a");
      assertThat(text(boot, 0x102000)).isEqualTo("content");
      int map = word(boot, info + 48);
      assertThat(word(boot, info + 44)).isEqualTo(72);
      assertThat(word(boot, map + 48)).isEqualTo(20);
      assertThat(boot.vm.memory().readLong(map + 52)).isEqualTo(0x100000);
      assertThat(boot.vm.memory().readLong(map + 60)).isEqualTo(3 * MIB);
      assertThat(word(boot, map + 68)).isEqualTo(1);
      assertThat(word(boot, 0x100100)).isEqualTo(file.getInt(0x1100));
      assertThat(word(boot, 0x101000)).isZero();
    }
  }

  private static int word(FakeBoot boot, long gpa) {
    return boot.vm.memory().readInt(gpa);
  }

  private static String text(FakeBoot boot, long gpa) {
    StringBuilder text = new StringBuilder();
    for (long at = gpa; boot.vm.memory().readByte(at) != 0; at++) {
      text.append((char) boot.vm.memory().readByte(at));
    }
    return text.toString();
  }

  @Test
  void elfFilesOf32And64BitsAreLoadedByTheirProgramHeaders() {
    for (boolean wide : new boolean[] {false, true}) {
      MultibootImage image = read(elf(wide, 0x200000));
      assertThat(image.entry()).isEqualTo(0x200010);
      assertThat(image.segments())
          .containsExactly(new MultibootImage.Segment(0x200000, 0x100, 0x3000));
    }
  }

  private static ByteBuffer elf(boolean wide, int address) {
    ByteBuffer file = ByteBuffer.allocate(0x2000).order(ByteOrder.LITTLE_ENDIAN);
    file.putInt(0, 0x464c457f).put(4, (byte) (wide ? 2 : 1)).put(5, (byte) 1);
    file.putInt(0x1000, MAGIC).putInt(0x1008, -MAGIC);
    int header = wide ? 64 : 52;
    file.putInt(24, 0x200010);
    file.putInt(wide ? 32 : 28, header);
    file.putShort(wide ? 54 : 42, (short) (wide ? 56 : 32)).putShort(wide ? 56 : 44, (short) 1);
    file.putInt(header, 1);
    file.putInt(header + (wide ? 8 : 4), 0x1000);
    file.putInt(header + (wide ? 24 : 12), address);
    file.putInt(header + (wide ? 32 : 16), 0x100);
    file.putInt(header + (wide ? 40 : 20), 0x3000);
    return file;
  }

  @Test
  void imageWithoutHeaderOrWithOneTooFarBackIsRefused() {
    ByteBuffer none = ByteBuffer.allocate(100);
    assertRefused(none, "image dir/my kernel has no multiboot header in its first 8192 bytes");
    assertRefused(withAddresses(8192), "no multiboot header");
    ByteBuffer wrongSum = withAddresses(0x1020);
    wrongSum.putInt(0x1028, 1);
    assertRefused(wrongSum, "no multiboot header");
  }

  @Test
  void unknownMandatoryFlagIsRefused() {
    ByteBuffer file = withAddresses(0x1020);
    int flags = ADDRESSES | 1 << 5;
    file.putInt(0x1024, flags).putInt(0x1028, -(MAGIC + flags));
    assertRefused(file, "asks for 0x20, which is not known");
  }

  @Test
  void addressesOutOfOrderAreRefused() {
    assertRefused(withAddresses(0x1020).putInt(0x1020 + 12, 0xfffff), "is below its load_addr");
    assertRefused(withAddresses(0x1000).putInt(0x1000 + 12, 0x102000), "before the start of");
    assertRefused(withAddresses(0x1020).putInt(0x1020 + 20, 0x100000), "not in order");
    assertRefused(withAddresses(0x1020).putInt(0x1020 + 24, 0x100800), "not in order");
    assertRefused(withAddresses(0x1020).putInt(0x1020 + 20, 0x108000), "not in order");
    assertRefused(withAddresses(0x1020).putInt(0x1020 + 28, 0x102000), "none of its segments");
    assertRefused(
        withAddresses(0x1020).putInt(0x1020 + 16, 0x8000).putInt(0x1020 + 12, 0x8020),
        "expected 0x100000 or above");
  }

  @Test
  void fileThatEndsBeforeWhatIsLoadedIsRefused() {
    assertRefused(
        withAddresses(0x1020).putInt(0x1020 + 20, 0x102800).putInt(0x1020 + 24, 0x103000),
        "ends inside its load address range");
  }

  @Test
  void segmentsThatLoadBytesOfTheFileTwiceAreRefused() {
    ByteBuffer file = elf(false, 0x200000);
    file.putShort(44, (short) 2).putInt(52 + 4, 0).putInt(52 + 16, 0x1800);
    for (int i = 0; i < 32; i += Integer.BYTES) {
      file.putInt(84 + i, file.getInt(52 + i));
    }
    file.putInt(84 + 12, 0x300000);
    assertRefused(file, "its program header 1 has 6144 bytes, but the file has only 2048 for it");
  }

  @Test
  void segmentOverTheBootInformationIsRefused() {
    assertRefused(elf(false, 0x9000), "its program header 0 goes to 0x9000");
  }

  @Test
  void memoryTooSmallForKernelAndModulesIsRefused() {
    assertThatThrownBy(() -> read(withAddresses(0x1020)).memoryByteSize(MIB))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("ends at 0x102000");
    assertThat(read(withAddresses(0x1020)).memoryByteSize(2 * MIB + 17)).isEqualTo(2 * MIB);
  }

  @Test
  void argumentsThatDoNotFitAreRefused() {
    try (FakeBoot boot = new FakeBoot(4 * MIB)) {
      boot.arguments = List.of("x".repeat(600_000));
      MultibootImage image = read(withAddresses(0x1020));
      assertThatThrownBy(() -> image.boot(boot))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("is too long");
    }
  }

  /** Flipped bytes in a valid image: it is refused with a reason or boots inside its memory. */
  @Property
  void damagedImagesAreRefusedOrBoot(@ForAll long seed) {
    Random random = new Random(seed);
    boolean wide = random.nextBoolean();
    ByteBuffer file = random.nextBoolean() ? withAddresses(0x1020) : elf(wide, 0x200000);
    int start = file.getInt(0x1020) == MAGIC ? 0x1020 : 0;
    for (int i = 0; i < 1 + random.nextInt(6); i++) {
      file.put(start + random.nextInt(start == 0 ? 120 : 32), (byte) random.nextInt());
    }
    try (FakeBoot boot = new FakeBoot(8 * MIB)) {
      BootImage image = Multiboot.PROTOCOL.open(Image.of("damaged", bytes(file)));
      image.memoryByteSize(8 * MIB);
      image.boot(boot);
    } catch (VmmException e) {
      assertThat(e.getMessage()).isNotBlank();
    }
  }
}
