// SPDX-License-Identifier: ISC
package dev.tealight.solo5;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.device.FrameTransfer;
import dev.tealight.solo5.HvtAbi.Hypercall;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Compares every constant of the hvt ABI with what Solo5's headers say. */
class HvtAbiFactsTest {
  private static final String FIELDS_OF_HVT_BOOT_INFO = "hvt_boot_info.";

  private final Map<String, List<Long>> facts = read();

  private static Map<String, List<Long>> read() {
    try (InputStream file = HvtAbiFactsTest.class.getResourceAsStream("hvt-abi.facts")) {
      String text = new String(Objects.requireNonNull(file).readAllBytes(), StandardCharsets.UTF_8);
      return text.lines()
          .filter(line -> !line.startsWith("#"))
          .map(line -> line.split(" = ", -1))
          .collect(Collectors.toMap(fact -> fact[0], fact -> values(fact[1])));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static List<Long> values(String text) {
    return Arrays.stream(text.split(", ", -1)).map(Long::valueOf).toList();
  }

  private List<Long> fact(String name) {
    return Objects.requireNonNull(facts.get(name), name);
  }

  private void assertFact(String name, long... values) {
    assertThat(fact(name))
        .as(name)
        .containsExactly(Arrays.stream(values).boxed().toArray(Long[]::new));
  }

  @Test
  void versionsTargetsAndLimitsAreThoseOfTheHeader() {
    assertFact("HVT_ABI_VERSION", HvtAbi.VERSION);
    assertFact("HVT_ABI_TARGET", HvtAbi.TARGET_HVT);
    assertFact("HVT_GUEST_MIN_BASE", HvtAbi.LOAD_BASE);
    assertFact("HVT_CMDLINE_SIZE", HvtAbi.COMMAND_LINE_BYTE_SIZE);
    assertFact("HVT_HALT_COOKIE_MAX", HvtHypercalls.COOKIE_BYTE_SIZE);
    assertFact("HVT_HYPERCALL_PIO_BASE", X86Hypercalls.FIRST_PORT);
    assertFact("sizeof hvt_boot_info", HvtAbi.BOOT_INFO_BYTE_SIZE);
  }

  @Test
  void targetNamesAreThoseOfTheHeader() {
    for (String name : List.of("hvt", "spt", "virtio", "muen", "genode", "xen")) {
      long target = fact(name.toUpperCase(Locale.ROOT) + "_ABI_TARGET").getFirst();

      assertThat(new HvtImage.Abi((int) target, 1).targetName()).isEqualTo(name);
    }
  }

  @Test
  void hypercallNumbersAndBlockSizesAreThoseOfTheHeader() {
    for (Hypercall call : Hypercall.values()) {
      String name = call.name();
      assertFact("HVT_HYPERCALL_" + name, call.nr());
      assertFact("sizeof hvt_hc_" + name.toLowerCase(Locale.ROOT), call.blockByteSize());
    }
    assertFact("HVT_HYPERCALL_MAX", Hypercall.values().length + 1);
  }

  @Test
  void resultCodesAreThoseOfTheHeader() {
    assertFact("SOLO5_R_OK", HvtAbi.RESULT_OK);
    assertFact("SOLO5_R_AGAIN", HvtAbi.RESULT_AGAIN);
    assertFact("SOLO5_R_EINVAL", HvtAbi.RESULT_EINVAL);
    assertFact("SOLO5_R_EUNSPEC", HvtAbi.RESULT_EUNSPEC);
    assertFact("SOLO5_R_OK", FrameTransfer.OK);
    assertFact("SOLO5_R_AGAIN", FrameTransfer.AGAIN);
    assertFact("SOLO5_R_EINVAL", FrameTransfer.EINVAL);
    assertFact("SOLO5_R_EUNSPEC", FrameTransfer.EUNSPEC);
  }

  @Test
  void notesAreThoseOfTheHeader() {
    assertFact("ABI1_NOTE_TYPE", Solo5Note.ABI.type);
    assertFact("ABI1_NOTE_ALIGN", Solo5Note.ABI.alignment);
    assertFact("ABI1_NOTE_MAX_SIZE", Solo5Note.ABI.maxDescriptorByteSize);
    assertFact("MFT1_NOTE_TYPE", Solo5Note.MANIFEST.type);
    assertFact("MFT1_NOTE_ALIGN", Solo5Note.MANIFEST.alignment);
    assertFact("MFT1_NOTE_MAX_SIZE", Solo5Note.MANIFEST.maxDescriptorByteSize);
    assertFact("sizeof abi1_nhdr", Solo5Note.HEADER_BYTE_SIZE);
    assertFact("sizeof abi1_info", 16);
    assertFact("abi1_info.abi_target", 0, 4);
    assertFact("abi1_info.abi_version", 4, 4);
  }

  @Test
  void manifestLayoutIsThatOfTheHeader() {
    assertFact("MFT_VERSION", Manifest.VERSION);
    assertFact("MFT_MAX_ENTRIES", Manifest.MAX_DEVICES + 1);
    assertFact("MFT_RESERVED_FIRST", Manifest.TYPE_RESERVED);
    assertFact("MFT_NAME_SIZE", Manifest.NAME_BYTE_SIZE);
    assertFact("sizeof mft", Manifest.HEADER_BYTE_SIZE);
    assertFact("sizeof mft_entry", Manifest.ENTRY_BYTE_SIZE);
    assertFact("mft.version", 0, 4);
    assertFact("mft.entries", 4, 4);
    assertFact("mft_entry.name", 0, Manifest.NAME_BYTE_SIZE);
    assertFact("mft_entry.type", Manifest.TYPE_OFFSET, 4);
    assertFact("mft_entry.u", Manifest.PROPERTIES_OFFSET, 16);
    assertFact("mft_entry.b", 88, 8);
    assertFact("mft_entry.attached", Manifest.ATTACHED_OFFSET, 1);
    assertThat(typeName("MFT_DEV_BLOCK_BASIC")).isEqualTo("BLOCK_BASIC");
    assertThat(typeName("MFT_DEV_NET_BASIC")).isEqualTo("NET_BASIC");
  }

  private String typeName(String constant) {
    return new Manifest.Entry("x", fact(constant).getFirst().intValue()).typeName();
  }

  /** What the loader and the handlers write is compared with these offsets in their own tests. */
  @Test
  void fieldsAreWhereTheOtherTestsLookForThem() {
    List<String> bootInfo = List.of("mem_size", "kernel_end", "cpu_cycle_freq", "cmdline", "mft");
    for (int i = 0; i < bootInfo.size(); i++) {
      assertFact(FIELDS_OF_HVT_BOOT_INFO + bootInfo.get(i), 8L * i, 8);
    }
    assertFact(FIELDS_OF_HVT_BOOT_INFO + "host_features", 40, 4);
    assertFact(FIELDS_OF_HVT_BOOT_INFO + "guest_features", 44, 4);
    assertFact(FIELDS_OF_HVT_BOOT_INFO + "net_ring", 48, 8);
    assertFact("hvt_hc_walltime.nsecs", 0, 8);
    assertFact("hvt_hc_puts.data", 0, 8);
    assertFact("hvt_hc_puts.len", 8, 8);
    assertFact("hvt_hc_poll.timeout_nsecs", 0, 8);
    assertFact("hvt_hc_poll.ready_set", 8, 8);
    assertFact("hvt_hc_poll.ret", 16, 4);
    assertFact("hvt_hc_halt.cookie", 0, 8);
    assertFact("hvt_hc_halt.exit_status", 8, 4);
  }

  @Test
  void ringIsThatOfTheHeader() {
    assertFact("HVT_FEATURE_RING_IO", HvtLoader.RING_OFFERED);
    assertFact("HVT_RING_KICK_PIO_BASE", NetRing.PORT);
    assertFact("HVT_RING_SIZE", NetRing.ENTRY_COUNT);
    assertFact("HVT_RING_NET_WRITE", NetRing.WRITE);
    assertFact("HVT_RING_NET_READ", NetRing.READ);
    assertFact("sizeof hvt_ring", NetRing.BYTE_SIZE);
    assertFact("sizeof hvt_ring_entry", NetRing.SUBMISSION_BYTE_SIZE);
    assertFact("sizeof hvt_ring_commit", NetRing.COMPLETION_BYTE_SIZE);
    assertFact("hvt_ring.ent_tail", NetRing.SUBMISSION_TAIL, 4);
    assertFact("hvt_ring.com_head", NetRing.COMPLETION_HEAD, 4);
    assertFact("hvt_ring.ent_head", NetRing.SUBMISSION_HEAD, 4);
    assertFact("hvt_ring.com_tail", NetRing.COMPLETION_TAIL, 4);
    assertFact("hvt_ring.needs_kick", NetRing.NEEDS_KICK, 4);
    assertFact("hvt_ring.entries", NetRing.SUBMISSIONS, 32L * NetRing.ENTRY_COUNT);
    assertFact("hvt_ring.commits", NetRing.COMPLETIONS, 16L * NetRing.ENTRY_COUNT);
    assertFact("hvt_ring_entry.operation", NetRing.OPERATION, 4);
    assertFact("hvt_ring_entry.handle", NetRing.HANDLE, 4);
    assertFact("hvt_ring_entry.data", NetRing.BUFFER, 8);
    assertFact("hvt_ring_entry.len", NetRing.LENGTH, 4);
    assertFact("hvt_ring_entry.id", NetRing.ID, 4);
    assertFact("hvt_ring_commit.id", NetRing.COMPLETED_ID, 4);
    assertFact("hvt_ring_commit.ret", NetRing.RESULT, 4);
    assertFact("hvt_ring_commit.len", NetRing.RECEIVED, 4);
  }
}
