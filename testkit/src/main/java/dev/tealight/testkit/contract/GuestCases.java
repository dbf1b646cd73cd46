// SPDX-License-Identifier: ISC

package dev.tealight.testkit.contract;

import static dev.tealight.testkit.contract.GuestCase.guest;

import java.util.ArrayList;
import java.util.List;

/**
 * The runs of {@link GuestSuite}. What each program proves is in {@code testkit/guests/README.md}.
 */
final class GuestCases {
  private static final String TRANSLATION_FAULT = "host/guest translation fault";
  private static final int DISK_BYTE_SIZE = 1 << 20;

  private GuestCases() {}

  static List<GuestCase> all() {
    List<GuestCase> all = new ArrayList<>();
    all.addAll(plain());
    all.addAll(protection());
    all.addAll(devices());
    all.addAll(supplementary());
    all.addAll(hostile());
    all.addAll(processor());
    return all;
  }

  /** Solo5's own tests without devices. */
  private static List<GuestCase> plain() {
    return List.of(
        guest("hello").arguments("Hello_Solo5").succeeds(),
        guest("hello").arguments("Hello_Solo6").halts(1, "FAILURE"),
        guest("quiet").arguments("--solo5:quiet").succeeds().without("Solo5:"),
        guest("output").succeeds(),
        guest("globals").succeeds(),
        guest("exception").aborts().halts(255, "cr2 0x400000000"),
        guest("zeropage").aborts().halts(255, "cr2 0x8"),
        guest("notls").aborts().halts(255, "cr2 0x28"),
        guest("tls").succeeds(),
        guest("ssp").aborts().halts(255, "\0"),
        guest("fpu").succeeds().needsSse(),
        guest("time").succeeds());
  }

  private static List<GuestCase> protection() {
    return List.of(
        guest("xnow").faults(TRANSLATION_FAULT),
        guest("rnow").faults(TRANSLATION_FAULT),
        guest("xnor").halts(1, "FAILURE").faultsIfReadPrevented(),
        guest("rnox").halts(1, "FAILURE").faultsIfPrevented(),
        guest("wnox").halts(1, "FAILURE").faultsIfPrevented());
  }

  private static List<GuestCase> devices() {
    GuestCase maximum = guest("mft_maxdevices").with("63 block devices").succeeds();
    for (int i = 0; i < 63; i++) {
      maximum.device("storage" + i, FakeDevices.block(4096, 512));
    }
    return List.of(
        guest("blk").device("storage", FakeDevices.block(DISK_BYTE_SIZE, 512)).succeeds(),
        guest("blk")
            .with("sectors of 4096 bytes")
            .device("storage", FakeDevices.block(DISK_BYTE_SIZE, 4096))
            .succeeds(),
        guest("blkedge").device("storage", FakeDevices.block(DISK_BYTE_SIZE, 512)).succeeds(),
        maximum,
        guest("net_mtu").device("service0", FakeDevices.net(9000)).halts(0, "MTU is 9000"),
        guest("frames").arguments("sizes").device("service0", FakeDevices.wire()).succeeds(),
        guest("bootinfo")
            .arguments("some", "words")
            .halts(0, "command_line", "'some words'", "entries 1\n"),
        guest("bootinfo_blk")
            .device("first", FakeDevices.block(4096, 512))
            .device("second", FakeDevices.block(8192, 4096))
            .halts(
                0,
                "device 1 name 'first' type 0x1 attached 1 capacity 4096 block_size 512",
                "device 2 name 'second' type 0x1 attached 1 capacity 8192 block_size 4096"),
        guest("bootinfo_net")
            .device("service0", FakeDevices.net(1500))
            .halts(0, "type 0x2 attached 1 mac 02:00:00:00:00:01 mtu 1500"),
        guest("bootinfo_both")
            .device("storage", FakeDevices.block(4096, 512))
            .device("service0", FakeDevices.net(1500))
            .halts(
                0,
                "device 1 name 'storage' type 0x1 attached 1 capacity 4096 block_size 512",
                "device 2 name 'service0' type 0x2 attached 1 mac 02:00:00:00:00:01 mtu 1500"));
  }

  /** Command line, console, time, results. */
  private static List<GuestCase> supplementary() {
    List<GuestCase> all = new ArrayList<>();
    for (int status : new int[] {0, 1, 42, 254, 255, 256, -1, Integer.MIN_VALUE}) {
      all.add(guest("status").arguments(Integer.toString(status)).halts(status));
    }
    String longest = "x".repeat(8191);
    all.addAll(
        List.of(
            guest("abort").aborts(),
            guest("args").with("no words").halts(0, "length 0 crc32 0x00000000"),
            guest("args").arguments("two", "words").halts(0, "length 9", "two words"),
            guest("args").arguments(longest).halts(0, "length 8191", longest),
            guest("bytes").halts(0),
            guest("poll").succeeds(),
            guest("pollforever").isStoppedAfter("polling"),
            guest("spin").isStoppedAfter("spinning"),
            guest("count").isStoppedAfter("count 1"),
            guest("count").arguments("3", "1000").halts(0, "count 3"),
            guest("flood").isStoppedAfter("0000000001"),
            guest("flood").arguments("20").halts(0, "0000000019"),
            guest("storm").arguments("1000").succeeds(),
            guest("oldboot").succeeds(),
            guest("entry").succeeds().haltsUnprivileged(1),
            guest("memmap").succeeds(),
            guest("touch").succeeds(),
            guest("halt").halts(0),
            guest("minimal").succeeds()));
    return all;
  }

  private static List<GuestCase> hostile() {
    List<GuestCase> all = new ArrayList<>();
    all.add(guest("hlt").faults("halted its processor"));
    all.add(guest("triplefault").faults(""));
    // Nested paging may retry the walk for ever.
    all.add(guest("garbagecr3").faultsOrIsStopped());
    all.add(guest("garbagecr3").arguments("0xfffffffff000").faultsOrIsStopped());
    for (String exception : new String[] {"de", "ud", "gp", "pf"}) {
      String upper = exception.toUpperCase(java.util.Locale.ROOT);
      all.add(guest("trap").arguments(exception).halts(255, "trap #" + upper));
    }
    for (String width : new String[] {"1", "2", "4", "8"}) {
      for (String direction : new String[] {"read", "write"}) {
        all.add(
            guest("mmio").arguments(direction, width, "0x200000000").faults("which nobody serves"));
      }
    }
    hypercall(all, "does not exist", "call", "0", "0");
    hypercall(all, "does not exist", "call", "9", "0");
    hypercall(all, "does not exist", "call", "255", "0");
    hypercall(all, "does not exist", "call", "4", "1", "0", "buffer", "512");
    hypercall(all, "which nobody serves", "out", "0x3f8", "1", "65");
    hypercall(all, "which nobody serves", "out", "0x501", "1", "block");
    hypercall(all, "which nobody serves", "out", "0x501", "2", "block");
    hypercall(all, "which nobody serves", "in", "0x501", "4");
    hypercall(all, "which nobody serves", "in", "0x60", "1");
    hypercall(all, "which nobody serves", "outs", "0x80", "1", "16");
    hypercall(all, "which nobody serves", "ins", "0x80", "4", "16");
    // Argument blocks at the edges of memory and beyond.
    hypercall(all, "outside guest memory", "out", "0x501", "4", "end");
    hypercall(all, "outside guest memory", "out", "0x501", "4", "end-4");
    hypercall(all, "outside guest memory", "out", "0x501", "4", "0xffffffff");
    hypercall(all, "", "out", "0x502", "4", "end-8");
    hypercall(all, "", "out", "0x503", "4", "end-16");
    hypercall(all, "outside guest memory", "out", "0x508", "4", "end-8");
    // Results into memory that the guest may not write.
    hypercall(all, "forbidden", "out", "0x501", "4", "text");
    hypercall(all, "forbidden", "out", "0x501", "4", "rodata");
    hypercall(all, "forbidden", "out", "0x503", "4", "text");
    // Console output from anywhere.
    hypercall(all, "outside guest memory", "call", "2", "end-8", "9");
    hypercall(all, "outside guest memory", "call", "2", "end+1", "0");
    hypercall(all, "outside guest memory", "call", "2", "0xffffffffffffffff", "1");
    hypercall(all, "outside guest memory", "call", "2", "buffer", "0xffffffffffffffff");
    hypercall(all, "outside guest memory", "call", "2", "buffer", "0x7fffffffffffffff");
    hypercall(all, "outside guest memory", "call", "2", "0x8000000000000000", "0x8000000000000000");
    all.add(guest("hypercall").arguments("call", "2", "end-8", "8").succeeds());
    all.add(guest("hypercall").arguments("call", "2", "end", "0").succeeds());
    all.add(guest("hypercall").arguments("call", "2", "text", "16").succeeds());
    all.add(guest("hypercall").arguments("call", "3", "0").succeeds());
    all.add(guest("hypercall").arguments("at", "end-8", "call", "1").succeeds());
    // The cookie.
    all.add(guest("hypercall").arguments("call", "8", "0", "42").halts(42));
    all.add(guest("hypercall").arguments("call", "8", "data", "42").halts(42));
    hypercall(all, "outside guest memory", "call", "8", "end-8", "42");
    hypercall(all, "outside guest memory", "call", "8", "0xffffffffffffffff", "42");
    all.addAll(withDevices());
    return all;
  }

  private static List<GuestCase> withDevices() {
    return List.of(
        block("read into text", "call", "5", "1", "0", "text", "512").faults("forbidden"),
        block("write out of text", "call", "4", "1", "0", "text", "512").succeeds(),
        block("read over the end of memory", "call", "5", "1", "0", "end-511", "512")
            .faults("outside guest memory"),
        block("read of a wrapping range", "call", "5", "1", "0", "0xffffffffffffff00", "512")
            .faults("outside guest memory"),
        block("read into its own argument block", "call", "5", "1", "0", "block", "64").succeeds(),
        block("block over the end of memory", "out", "0x505", "4", "end-39")
            .faults("outside guest memory"),
        block("read at an odd offset", "call", "5", "1", "7", "buffer", "13").succeeds(),
        block("empty write", "call", "4", "1", "0", "buffer", "0").succeeds(),
        block("read of 2^63 bytes", "call", "5", "1", "0", "buffer", "0x8000000000000000")
            .succeeds(),
        block("read at 2^64 - 512", "call", "5", "1", "0xfffffffffffffe00", "buffer", "512")
            .succeeds(),
        block("handle 0", "call", "5", "0", "0", "buffer", "512").succeeds(),
        block("handle 2^64 - 1", "call", "5", "0xffffffffffffffff", "0", "buffer", "512")
            .succeeds(),
        guest("hypercall_net")
            .arguments("call", "7", "1", "buffer", "1500")
            .device("service0", FakeDevices.net(1500))
            .faults("does not exist"),
        guest("hypercall_custom")
            .arguments("call", "1", "0")
            .device("custom", FakeDevices.inert("0x3"))
            .succeeds());
  }

  private static GuestCase block(String what, String... words) {
    return guest("hypercall_blk")
        .arguments(words)
        .with(what)
        .device("storage", FakeDevices.block(DISK_BYTE_SIZE, 512));
  }

  private static void hypercall(List<GuestCase> all, String reason, String... words) {
    all.add(guest("hypercall").arguments(words).faults(reason));
  }

  private static List<GuestCase> processor() {
    return List.of(
        guest("cpuid").halts(0),
        guest("steps").halts(0),
        guest("breakpoint").with("without a debugger").faults(""),
        guest("strings").succeeds(),
        guest("selfmod").succeeds(),
        guest("rdrand").succeeds(),
        guest("compute").arguments("1000").halts(0, "result 0x"),
        guest("sieve").arguments("10000").halts(0, "1229 primes"),
        guest("sha256").arguments("256").halts(0, "digest "),
        guest("copy").arguments("words", "4096", "1").succeeds(),
        guest("copy").arguments("movsb", "4096", "1").succeeds(),
        guest("sse").succeeds().needsSse(),
        guest("x87").succeeds().needsSse(),
        guest("threads").succeeds().needsSse(),
        guest("nbody").arguments("10").halts(0, "energy -").needsSse());
  }
}
