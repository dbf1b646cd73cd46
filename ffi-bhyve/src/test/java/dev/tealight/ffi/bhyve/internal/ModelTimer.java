// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

/**
 * The 8254 of the model's kernel. As in the kernel, and unlike in chips: counts are written and
 * read as two bytes; of the modes 0, 2, 3 and 4 only mode 2 repeats, and all count down alike; a
 * new mode does not stop a count; a count of 0 starts no interrupts; there is no gate. With the
 * VM's lock.
 */
final class ModelTimer {
  private static final long FREQUENCY_HZ = 1_193_182;
  private static final long SECOND = 1_000_000_000;
  private static final int RATE = 4;

  /** No interrupt will come. */
  static final long NEVER = Long.MAX_VALUE;

  private final Channel[] channels = {new Channel(), new Channel(), new Channel()};
  private long next = NEVER;

  private static final class Channel {
    int mode;
    int count;
    long start;
    int low = -1; // the first byte of a count, or -1
    boolean highNext;
    int latched;
    int latchedBytes;
    boolean statusLatched;
    int status;

    int current(long now) {
      if (count == 0) {
        count = (int) (FREQUENCY_HZ + 50) / 100; // read before it was set
        start = now;
        status &= ~0x40;
      }
      return count - (int) (ticks(now) % count);
    }

    long ticks(long now) {
      long nanos = now - start;
      return nanos / SECOND * FREQUENCY_HZ + nanos % SECOND * FREQUENCY_HZ / SECOND;
    }

    boolean output(long now) {
      return mode == 0 && ticks(now) >= count;
    }

    void latch(long now) {
      if (latchedBytes == 0) {
        latched = current(now);
        latchedBytes = 2;
      }
    }

    int read(long now) {
      if (statusLatched) {
        int value = status;
        statusLatched = false;
        status = 0;
        return value;
      }
      if (latchedBytes > 0) {
        return (latchedBytes-- == 2 ? latched : latched >>> 8) & 0xff;
      }
      int value = current(now) >>> (highNext ? 8 : 0);
      highNext = !highNext;
      return value & 0xff;
    }
  }

  int read(int port, long now) {
    if (port == 0x61) {
      return channels[2].output(now) ? 0x20 : 0;
    }
    return channels[port - 0x40].read(now);
  }

  /** {@return whether the kernel knows the value} */
  boolean write(int port, int value, long now) {
    if (port == 0x61) {
      return true;
    }
    if (port == 0x43) {
      return control(value, now);
    }
    Channel channel = channels[port - 0x40];
    if (channel.low < 0) {
      channel.low = value;
      return true;
    }
    int written = value << 8 | channel.low;
    channel.low = -1;
    channel.highNext = false;
    channel.status &= ~0x40;
    channel.count = written == 0 ? 0xffff : written;
    channel.start = now;
    if (port == 0x40 && written != 0) {
      next = now + nanos(channel.count);
    }
    return true;
  }

  private boolean control(int value, long now) {
    if (value >>> 6 == 3) {
      for (int i = 0; i < 3; i++) {
        if ((value >>> (i + 1) & 1) != 0) {
          readBack(channels[i], value, now);
        }
      }
      return true;
    }
    Channel channel = channels[value >>> 6];
    int access = value & 0x30;
    int mode = value & 0x0f;
    if (access == 0) {
      channel.latch(now);
      return true;
    }
    if (access != 0x30 || (mode != 0 && mode != RATE && mode != 6 && mode != 8)) {
      return false;
    }
    channel.mode = mode;
    channel.latchedBytes = 0;
    channel.status |= 0x40;
    return true;
  }

  private static void readBack(Channel channel, int value, long now) {
    if ((value & 0x20) == 0) {
      channel.latch(now);
    }
    if ((value & 0x10) == 0 && !channel.statusLatched) {
      channel.statusLatched = true;
      channel.status = (channel.status & ~0x80) | (channel.output(now) ? 0x80 : 0);
    }
  }

  private static long nanos(int count) {
    return count * SECOND / FREQUENCY_HZ;
  }

  /** {@return when the interrupt comes next} */
  long next() {
    return next;
  }

  /** The interrupt has come. */
  void fired(long now) {
    Channel channel = channels[0];
    long period = nanos(channel.count);
    next = channel.mode != RATE ? NEVER : next + period < now ? now + period : next + period;
  }
}
