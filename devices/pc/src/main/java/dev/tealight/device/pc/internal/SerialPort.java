// SPDX-License-Identifier: ISC
package dev.tealight.device.pc.internal;

import dev.tealight.ExitKind;
import dev.tealight.device.GuestCall;
import dev.tealight.device.GuestCallHandler;
import dev.tealight.device.GuestCallRegistry;
import dev.tealight.device.Outcome;
import dev.tealight.spi.ConsoleOutput;

/** A 16550 as COM1, output only: always ready to send, never interrupts, never receives. */
final class SerialPort implements GuestCallHandler {
  private static final int FIRST_PORT = 0x3f8;
  private static final int DATA = 0;
  private static final int INTERRUPT_ENABLE = 1;
  private static final int INTERRUPT_IDENTITY = 2;
  private static final int LINE_CONTROL = 3;
  private static final int LINE_STATUS = 5;
  private static final int MODEM_STATUS = 6;

  private static final int DIVISOR_ACCESS = 0x80;
  private static final int NO_INTERRUPT = 1;
  private static final int FIFOS_ENABLED = 0xc0;
  private static final int TRANSMITTER_EMPTY = 0x60;
  private static final int CONNECTED = 0xb0;

  private final ConsoleOutput console;
  private final int[] registers = new int[8];
  private int divisorLow = 1;
  private int divisorHigh;
  private boolean fifos;

  SerialPort(ConsoleOutput console) {
    this.console = console;
  }

  void register(GuestCallRegistry registry) {
    registry.ports(FIRST_PORT, registers.length, "serial port", this);
  }

  @Override
  public Outcome handle(GuestCall call) {
    int register = (int) call.exit().address() - FIRST_PORT;
    if (call.exit().kind() == ExitKind.IO_READ) {
      call.exit().complete(read(register) | ~0xffL);
      return Outcome.CONTINUE;
    }
    int value = (int) call.exit().value() & 0xff;
    if (register == DATA && !showsDivisor()) {
      return console.write(call, (byte) value);
    }
    write(register, value);
    return Outcome.CONTINUE;
  }

  @Override
  public Outcome resume(GuestCall call) {
    return console.resume(call);
  }

  private boolean showsDivisor() {
    return (registers[LINE_CONTROL] & DIVISOR_ACCESS) != 0;
  }

  private int read(int register) {
    return switch (register) {
      case DATA -> showsDivisor() ? divisorLow : 0;
      case INTERRUPT_ENABLE -> showsDivisor() ? divisorHigh : registers[INTERRUPT_ENABLE];
      case INTERRUPT_IDENTITY -> NO_INTERRUPT | (fifos ? FIFOS_ENABLED : 0);
      case LINE_STATUS -> TRANSMITTER_EMPTY;
      case MODEM_STATUS -> CONNECTED;
      default -> registers[register];
    };
  }

  private void write(int register, int value) {
    if (showsDivisor() && register == DATA) {
      divisorLow = value;
    } else if (showsDivisor() && register == INTERRUPT_ENABLE) {
      divisorHigh = value;
    } else if (register == INTERRUPT_IDENTITY) {
      fifos = (value & 1) != 0;
    } else {
      registers[register] = value;
    }
  }
}
