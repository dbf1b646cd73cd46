// SPDX-License-Identifier: ISC
package dev.tealight.device.pc.internal;

import dev.tealight.TimeSource;
import dev.tealight.device.GuestCallRegistry;

/**
 * The 8254: channel 0 drives interrupt line 0, channel 2 the speaker that is not there, behind the
 * gate at port 0x61. Channel 1 once refreshed the memory.
 */
final class IntervalTimer extends BytePorts {
  private static final int FIRST_PORT = 0x40;
  private static final int CONTROL_PORT = 0x43;
  private static final int SPEAKER_PORT = 0x61;
  private static final int SPEAKER_GATE = 1;
  private static final int SPEAKER_WRITABLE = 3;
  private static final int SPEAKER_OUTPUT = 1 << 5;
  private static final int READ_BACK = 3;
  private static final int READ_BACK_KEEPS_COUNT = 1 << 5;
  private static final int READ_BACK_KEEPS_STATUS = 1 << 4;

  private final TimerChannel[] channels;
  private int speaker;

  IntervalTimer(TimeSource time) {
    channels =
        new TimerChannel[] {new TimerChannel(time), new TimerChannel(time), new TimerChannel(time)};
    // As firmware leaves it: guests that take their time elsewhere only ever write a count.
    channels[0].control(0x34);
    channels[0].write(0);
    channels[0].write(0);
    channels[2].setGate(false);
  }

  void register(GuestCallRegistry registry) {
    registry.ports(FIRST_PORT, 4, "interval timer", this);
    registry.ports(SPEAKER_PORT, 1, "speaker gate", this);
  }

  @Override
  int read(int port) {
    return switch (port) {
      case SPEAKER_PORT -> speaker | (channels[2].output() ? SPEAKER_OUTPUT : 0);
      case CONTROL_PORT -> 0xff;
      default -> channels[port - FIRST_PORT].read();
    };
  }

  @Override
  void write(int port, int value) {
    switch (port) {
      case SPEAKER_PORT -> {
        speaker = value & SPEAKER_WRITABLE;
        channels[2].setGate((value & SPEAKER_GATE) != 0);
      }
      case CONTROL_PORT -> control(value);
      default -> channels[port - FIRST_PORT].write(value);
    }
  }

  private void control(int value) {
    int channel = value >>> 6;
    if (channel != READ_BACK) {
      channels[channel].control(value);
    } else {
      for (int i = 0; i < channels.length; i++) {
        if ((value >>> (i + 1) & 1) != 0) {
          readBack(channels[i], value);
        }
      }
    }
  }

  private static void readBack(TimerChannel channel, int value) {
    if ((value & READ_BACK_KEEPS_COUNT) == 0) {
      channel.latch();
    }
    if ((value & READ_BACK_KEEPS_STATUS) == 0) {
      channel.latchStatus();
    }
  }

  /** {@return whether the output of channel 0 rose since the last call} */
  boolean takeTick() {
    return channels[0].takeTick();
  }

  /** {@return when the output of channel 0 rises next} */
  long nextTickNanos() {
    return channels[0].nextTickNanos();
  }
}
