// SPDX-License-Identifier: ISC
package dev.tealight.solo5;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.tealight.ConfigurationException;
import dev.tealight.Protection;
import dev.tealight.Region;
import dev.tealight.X86CpuState;
import dev.tealight.X86Register;
import dev.tealight.X86Segment;
import dev.tealight.fake.FakeBoot;
import dev.tealight.fake.FakeVcpu;
import dev.tealight.solo5.ImageBuilder.Device;
import dev.tealight.spi.BootContext.AttachedDevice;
import dev.tealight.spi.BootImage.DeclaredDevice;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a guest finds in its memory and registers when it starts. */
class BootTest {
  private static final long MIB = 1 << 20;

  private static ByteBuffer bytes(FakeBoot boot, long gpa, int byteSize) {
    return ByteBuffer.wrap(
            boot.vm().memory().unrestricted().asSlice(gpa, byteSize).toArray(ValueLayout.JAVA_BYTE))
        .order(ByteOrder.LITTLE_ENDIAN);
  }

  private static long[] longs(FakeBoot boot, long gpa, int count) {
    long[] values = new long[count];
    bytes(boot, gpa, 8 * count).asLongBuffer().get(values);
    return values;
  }

  @Test
  void globalDescriptorTableHasCodeAndData() {
    try (FakeBoot boot = new FakeBoot(4 * MIB).boot(ImageBuilder.hello().build())) {
      long[] expected = new long[512];
      expected[1] = 0x00AF99000000FFFFL;
      expected[2] = 0x00CF93000000FFFFL;

      assertThat(longs(boot, 0x1000, 512)).isEqualTo(expected);
    }
  }

  @ParameterizedTest
  @ValueSource(
      longs = {2 * MIB, 4 * MIB, 512 * MIB, 1024 * MIB, 1026 * MIB, 4094 * MIB, 4096 * MIB})
  void pageTablesMapAllOfMemoryOneToOne(long memoryByteSize) {
    try (FakeBoot boot = new FakeBoot(memoryByteSize).boot(ImageBuilder.hello().build())) {
      long[] pml4 = new long[512];
      pml4[0] = 0x3003;
      long[] pdpt = new long[512];
      System.arraycopy(new long[] {0x4003, 0x5003, 0x6003, 0x7003}, 0, pdpt, 0, 4);
      long[] directories = new long[4 * 512];
      directories[0] = 0x8003;
      for (int i = 1; i * (2 * MIB) < memoryByteSize; i++) {
        directories[i] = (i * (2 * MIB)) | 0x83;
      }
      long[] table = new long[512];
      for (int i = 16; i < 512; i++) {
        table[i] = i * 0x1000L | (i < 256 ? 1 : 3);
      }

      assertThat(longs(boot, 0x2000, 512)).isEqualTo(pml4);
      assertThat(longs(boot, 0x3000, 512)).isEqualTo(pdpt);
      assertThat(longs(boot, 0x4000, 4 * 512)).isEqualTo(directories);
      assertThat(longs(boot, 0x8000, 512)).isEqualTo(table);
    }
  }

  @Test
  void restOfLowMemoryIsZero() {
    try (FakeBoot boot = new FakeBoot(4 * MIB).boot(ImageBuilder.hello().build())) {
      assertThat(bytes(boot, 0, 0x1000).array()).containsOnly(0);
      assertThat(bytes(boot, 0x9000, 0x7000).array()).containsOnly(0);
      assertThat(bytes(boot, 0x100a8, 0x100000 - 0x100a8).array()).containsOnly(0);
    }
  }

  @Test
  void bootInformationIs56BytesThatOfferNoRing() {
    try (FakeBoot boot = new FakeBoot(512 * MIB).boot(ImageBuilder.hello().build())) {
      assertThat(longs(boot, 0x10000, 7))
          .containsExactly(
              0x20000000L, 0x103000L, FakeVcpu.CYCLE_COUNTER_HZ, 0x100a8L, 0x10038L, 0L, 0L);
    }
  }

  @Test
  void guestWithANetworkDeviceIsOfferedTheRingBehindItsMemory() {
    try (FakeBoot boot = ringBoot(66 * MIB)) {
      assertThat(longs(boot, 0x10000, 7))
          .containsExactly(
              0x4000000L, 0x103000L, FakeVcpu.CYCLE_COUNTER_HZ, 0x10110L, 0x10038L, 1L, 0x4000000L);
      assertThat(boot.vcpu().readState().get(X86Register.RSP)).isEqualTo(0x3fffff8);
      assertThat(longs(boot, 0x4000 + 32 * 8, 2)).containsExactly(0x4000083, 0);
      byte[] ring = new byte[NetRing.BYTE_SIZE];
      ring[(int) NetRing.NEEDS_KICK] = 1;
      assertThat(bytes(boot, 64 * MIB, NetRing.BYTE_SIZE).array()).isEqualTo(ring);
      assertThat(boot.rings).hasSize(1);
    }
  }

  private static FakeBoot ringBoot(long memoryByteSize) {
    FakeBoot boot = new FakeBoot(memoryByteSize);
    boot.devices.add(
        new AttachedDevice(
            new DeclaredDevice("service", "NET_BASIC", 1),
            MemorySegment.ofArray(new byte[16]),
            List.of(),
            Optional.of(new FakeFrames())));
    return boot.boot(ImageBuilder.hello().devices(new Device("service", 2)).build());
  }

  @Test
  void memoryWithoutRoomForImageAndRingIsRefused() {
    assertThatExceptionOfType(ConfigurationException.class)
        .isThrownBy(() -> ringBoot(2 * MIB).close())
        .withMessage("guest memory of 0 bytes is too small for image test, which ends at 0x103000");
  }

  @Test
  void manifestCopyOfAGuestWithoutDevicesIsTheReservedEntry() {
    try (FakeBoot boot = new FakeBoot(4 * MIB).boot(ImageBuilder.hello().build())) {
      assertThat(bytes(boot, 0x10038, 112).array()).isEqualTo(ImageBuilder.manifest());
    }
  }

  @Test
  void manifestCopyTellsWhatTheDevicesAreLike() {
    byte[] storage = new byte[16];
    ByteBuffer.wrap(storage)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(0x1122334455667788L)
        .putShort((short) 512);
    byte[] service = {2, 0, 0, 0, 0, 1, (byte) 0xdc, 5, 0, 0, 0, 0, 0, 0, 0, 0};
    ByteBuffer expected =
        ByteBuffer.wrap(ImageBuilder.manifest(new Device("service", 2), new Device("storage", 1)));
    expected.put(8 + 104 + 72, service).put(8 + 104 + 96, (byte) 1);
    expected.put(8 + 208 + 72, storage).put(8 + 208 + 96, (byte) 1);

    try (FakeBoot boot = new FakeBoot(4 * MIB)) {
      boot.devices.add(attached("service", "NET_BASIC", 1, service));
      boot.devices.add(attached("storage", "BLOCK_BASIC", 2, storage));
      boot.boot(
          ImageBuilder.hello().devices(new Device("service", 2), new Device("storage", 1)).build());

      assertThat(bytes(boot, 0x10038, 8 + 3 * 104).array()).isEqualTo(expected.array());
      assertThat(longs(boot, 0x10018, 1)).containsExactly(0x10038 + 8 + 3 * 104L);
    }
  }

  private static AttachedDevice attached(String name, String type, int handle, byte[] properties) {
    return new AttachedDevice(
        new DeclaredDevice(name, type, handle),
        MemorySegment.ofArray(properties),
        List.of(),
        Optional.empty());
  }

  @Test
  void manifestCopyHasNothingOfWhatTheImageSaidBesideNamesAndTypes() {
    byte[] manifest = ImageBuilder.manifest(new Device("a", 0x40000001));
    ByteBuffer.wrap(manifest).putLong(112 + 72, -1).putLong(112 + 80, -1).putLong(112 + 88, -1);

    try (FakeBoot boot =
        new FakeBoot(4 * MIB).boot(ImageBuilder.hello().manifest(manifest).build())) {
      assertThat(bytes(boot, 0x10038, 216).array())
          .isEqualTo(ImageBuilder.manifest(new Device("a", 0x40000001)));
    }
  }

  @Test
  void commandLineIsTheArgumentsJoinedWithSpaces() {
    try (FakeBoot boot = new FakeBoot(4 * MIB)) {
      boot.arguments = List.of("--port=80", "", "größe");
      boot.boot(ImageBuilder.hello().build());

      byte[] text = "--port=80  größe\0".getBytes(StandardCharsets.UTF_8);
      assertThat(bytes(boot, 0x100a8, text.length).array()).isEqualTo(text);
    }
  }

  @Test
  void commandLineOf8191BytesIsTaken() {
    try (FakeBoot boot = new FakeBoot(4 * MIB)) {
      boot.arguments = List.of("x".repeat(8000), "y".repeat(190));
      boot.boot(ImageBuilder.hello().build());

      assertThat(bytes(boot, 0x100a8 + 8190, 3).array()).containsExactly('y', 0, 0);
    }
  }

  @Test
  void commandLineOf8192BytesIsRefused() {
    try (FakeBoot boot = new FakeBoot(4 * MIB)) {
      boot.arguments = List.of("x".repeat(8000), "y".repeat(191));

      assertThatExceptionOfType(ConfigurationException.class)
          .isThrownBy(() -> boot.boot(ImageBuilder.hello().build()))
          .withMessage("guest arguments of 8192 bytes are too long: give at most 8191");
    }
  }

  @Test
  void commandLineWithAZeroIsRefused() {
    try (FakeBoot boot = new FakeBoot(4 * MIB)) {
      boot.arguments = List.of("a\0b");

      assertThatExceptionOfType(ConfigurationException.class)
          .isThrownBy(() -> boot.boot(ImageBuilder.hello().build()))
          .withMessage("guest arguments contain a zero byte, which would end them");
    }
  }

  @Test
  void worstCaseOfAllThatIsToldEndsBelowTheImage() {
    Device[] devices =
        IntStream.rangeClosed(1, 63)
            .mapToObj(i -> new Device("d" + i, 0x40000000))
            .toArray(Device[]::new);
    try (FakeBoot boot = new FakeBoot(4 * MIB)) {
      boot.arguments = List.of("x".repeat(8191));
      boot.boot(ImageBuilder.hello().devices(devices).build());

      long commandLine = longs(boot, 0x10018, 1)[0];
      assertThat(commandLine + 8192).isEqualTo(0x13a40);
      assertThat(bytes(boot, 0x13a3e, 3).array()).containsExactly('x', 0, 0);
    }
  }

  @Test
  void segmentsAreLoadedAndProtected() {
    try (FakeBoot boot = new FakeBoot(4 * MIB).boot(ImageBuilder.hello().build())) {
      assertThat(bytes(boot, 0x100000, 0x1000).array()).isEqualTo(page(0x100000, 0x40));
      assertThat(bytes(boot, 0x101000, 0x1000).array()).isEqualTo(page(0x101000, 0x30));
      assertThat(bytes(boot, 0x102000, 0x1000).array()).isEqualTo(page(0x102000, 0x20));
      assertThat(boot.vm().regions)
          .containsExactly(
              new Region(0x100000, 0x1000, new Protection(false, false, true)),
              new Region(0x101000, 0x1000, Protection.READ_ONLY),
              new Region(0x102000, 0x1000, Protection.READ_WRITE));
    }
  }

  private static byte[] page(long gpa, int byteSize) {
    byte[] page = new byte[0x1000];
    byte[] content = ImageBuilder.segment(0, gpa, byteSize).content;
    System.arraycopy(content, 0, page, 0, byteSize);
    return page;
  }

  @ParameterizedTest
  @ValueSource(longs = {2 * MIB, 512 * MIB, 4096 * MIB})
  void processorStartsInLongModeOnItsFirstInstruction(long memoryByteSize) {
    X86Segment data = new X86Segment(0x10, 0, 0xffffffff, 0xc093);
    long extensionType = 0x10; // CR0.ET, which hardware sets anyway
    X86CpuState expected =
        new X86CpuState()
            .set(X86Register.RIP, 0x100020)
            .set(X86Register.RSP, memoryByteSize - 8)
            .set(X86Register.RDI, 0x10000)
            .set(X86Register.RFLAGS, 2)
            .set(X86Register.CR0, 0x80010021L | extensionType)
            .set(X86Register.CR3, 0x2000)
            .set(X86Register.CR4, 0x620)
            .set(X86Register.EFER, 0x500)
            .set(X86Register.GDT_BASE, 0x1000)
            .set(X86Register.GDT_LIMIT, 0x17)
            .set(X86Segment.Name.CS, new X86Segment(0x08, 0, 0xffffffff, 0xa099))
            .set(X86Segment.Name.DS, data)
            .set(X86Segment.Name.ES, data)
            .set(X86Segment.Name.FS, data)
            .set(X86Segment.Name.GS, data)
            .set(X86Segment.Name.SS, data)
            .set(X86Segment.Name.TR, new X86Segment(0, 0, 0, 0x8b))
            .set(X86Segment.Name.LDTR, new X86Segment(0, 0, 0, 0x10000));

    try (FakeBoot boot = new FakeBoot(memoryByteSize).boot(ImageBuilder.hello().build())) {
      assertThat(boot.vcpu().readState()).isEqualTo(expected);
    }
  }

  @Test
  void imageCanBeBootedAnyNumberOfTimes() {
    byte[] image = ImageBuilder.hello().build();
    try (FakeBoot first = new FakeBoot(4 * MIB).boot(image);
        FakeBoot second = new FakeBoot(4 * MIB).boot(image)) {
      assertThat(first.vm().memory().unrestricted().mismatch(second.vm().memory().unrestricted()))
          .isEqualTo(-1);
    }
  }
}
