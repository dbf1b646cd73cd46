// SPDX-License-Identifier: ISC
package dev.tealight.device.net;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.GuestMemory;
import dev.tealight.Monitor;
import dev.tealight.MonitorObserver;
import dev.tealight.RunResult;
import dev.tealight.VmExit;
import dev.tealight.testkit.GuestScript;
import dev.tealight.testkit.Guests;
import dev.tealight.testkit.MockHypervisor;
import dev.tealight.testkit.MockVcpu;
import dev.tealight.testkit.QueueLink;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a doorbell does that ends a run of the vCPU: the guest is played by the test. */
class MockRingTest {
  private static final long RING = 16 << 20;
  private static final long BUFFER = 0x300000;
  private static final int WRITE = 1;
  private static final int READ = 2;
  private static final VmExit RUNG = new VmExit.IoWrite(0x600, 4, 0);

  private final QueueLink link = new QueueLink();
  private final List<String> told = new ArrayList<>();

  private static void submit(MockVcpu guest, int operation, long gpa, int length) {
    GuestMemory memory = guest.memory();
    int tail = memory.readInt(RING);
    byte[] entry =
        ByteBuffer.allocate(32)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putInt(operation)
            .putInt(1)
            .putLong(gpa)
            .putInt(length)
            .putInt(tail)
            .array();
    memory.copyIn(RING + 128 + 32L * (tail % 1024), entry, 0, entry.length);
    memory.writeInt(RING, tail + 1);
  }

  private static VmExit halt(MockVcpu guest) {
    guest.memory().writeLong(BUFFER, 0);
    guest.memory().writeLong(BUFFER + 8, 0);
    return new VmExit.IoWrite(0x508, 4, BUFFER);
  }

  private RunResult run(GuestScript... steps) throws InterruptedException {
    try (MockHypervisor hypervisor = new MockHypervisor(GuestScript.sequence(steps));
        Monitor monitor =
            Monitor.builder()
                .image("ring", Guests.image("ring"))
                .memoryByteSize(RING)
                .device("service0", NetConfig.of(mac -> link))
                .hypervisor(hypervisor)
                .observer(
                    new MonitorObserver() {
                      @Override
                      public void deviceError(
                          Monitor of, String name, String what, Exception cause) {
                        told.add(what + ": " + cause.getMessage());
                      }
                    })
                .build()) {
      return monitor.run();
    }
  }

  @Test
  void ringIsServedWhenItIsRung() throws InterruptedException {
    link.arrive(new byte[60]);
    RunResult result =
        run(
            guest -> {
              assertThat(guest.memory().readInt(RING + 72)).as("needs_kick").isEqualTo(1);
              submit(guest, WRITE, BUFFER, 64);
              submit(guest, READ, BUFFER, 2048);
              submit(guest, READ, BUFFER, 2048);
              return RUNG;
            },
            guest -> {
              assertThat(link.sent()).hasSize(1);
              assertThat(guest.memory().readInt(RING + 64)).as("ent_head").isEqualTo(3);
              assertThat(guest.memory().readInt(RING + 68)).as("com_tail").isEqualTo(2);
              assertThat(completion(guest, 0)).containsExactly(1, 0, 60);
              assertThat(completion(guest, 1)).containsExactly(2, 1, 0);
              return halt(guest);
            });
    assertThat(result).isEqualTo(new RunResult.Halted(0));
  }

  private static int[] completion(MockVcpu guest, int index) {
    long entry = RING + 32896 + 16L * index;
    return new int[] {
      guest.memory().readInt(entry),
      guest.memory().readInt(entry + 4),
      guest.memory().readInt(entry + 8)
    };
  }

  @Test
  void fullRingIsServedByOneDoorbell() throws InterruptedException {
    RunResult result =
        run(
            guest -> {
              for (int i = 0; i < 1024; i++) {
                submit(guest, WRITE, BUFFER, 64);
              }
              return RUNG;
            },
            guest -> {
              assertThat(link.sent()).hasSize(1024);
              return halt(guest);
            });
    assertThat(result).isEqualTo(new RunResult.Halted(0));
  }

  @Test
  void whatWasNotRungForIsServedWhenTheGuestHalts() throws InterruptedException {
    RunResult result =
        run(
            guest -> {
              for (int i = 0; i < 100; i++) {
                submit(guest, WRITE, BUFFER, 64);
              }
              return halt(guest);
            });
    assertThat(result).isEqualTo(new RunResult.Halted(0));
    assertThat(link.sent()).hasSize(100);
  }

  @Test
  void failingHostIsACodeToTheGuestAndTold() throws InterruptedException {
    link.broken(true);
    RunResult result =
        run(
            guest -> {
              submit(guest, WRITE, BUFFER, 64);
              submit(guest, READ, BUFFER, 2048);
              return RUNG;
            },
            guest -> {
              assertThat(completion(guest, 0)).containsExactly(1, 3, 0);
              return halt(guest);
            });
    assertThat(result).isEqualTo(new RunResult.Halted(0));
    assertThat(told)
        .containsExactly(
            "sending a frame: cable cut", "receiving a frame, failure number 2,: cable cut");
  }

  @Test
  void breachIsAFaultWithItsReason() throws InterruptedException {
    RunResult result =
        run(
            guest -> {
              guest.memory().writeInt(RING, -1);
              return RUNG;
            });
    assertThat(result).isInstanceOf(RunResult.Faulted.class);
    assertThat(((RunResult.Faulted) result).reason())
        .startsWith("Solo5's ring: submission tail 0xffffffff is not within 1024 of head 0x0");
  }

  @Test
  void ringItselfAsABufferHarmsNobody() throws InterruptedException {
    byte[] frame = new byte[2048];
    Arrays.fill(frame, (byte) 0xff);
    link.arrive(frame);
    RunResult result =
        run(
            guest -> {
              submit(guest, READ, RING + 64, 64); // what the monitor writes
              return RUNG;
            },
            guest -> {
              submit(guest, WRITE, BUFFER, 64);
              return RUNG;
            },
            guest -> {
              assertThat(guest.memory().readInt(RING + 64)).isEqualTo(2);
              return halt(guest);
            });
    assertThat(result).isEqualTo(new RunResult.Halted(0));
    assertThat(link.sent()).hasSize(1);
  }
}
