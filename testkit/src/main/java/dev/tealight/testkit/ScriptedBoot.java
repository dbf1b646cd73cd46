// SPDX-License-Identifier: ISC

package dev.tealight.testkit;

import dev.tealight.ExitFrame;
import dev.tealight.ExitKind;
import dev.tealight.GuestMemory;
import dev.tealight.Image;
import dev.tealight.RunResult;
import dev.tealight.VmExit;
import dev.tealight.device.GuestCall;
import dev.tealight.device.GuestCallHandler;
import dev.tealight.device.Outcome;
import dev.tealight.spi.BootContext;
import dev.tealight.spi.BootContext.AttachedDevice;
import dev.tealight.spi.BootImage;
import dev.tealight.spi.BootProtocol;
import dev.tealight.spi.ConsoleOutput;
import dev.tealight.spi.GuestArchitecture;
import dev.tealight.spi.HypercallConvention;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * An image format without images, for monitors on the {@link MockHypervisor}: nothing is loaded,
 * the script is the guest. Any bytes are an image of it.
 *
 * <p>A hypercall is a 4-byte write of its argument to port {@code 0x500 + nr}, as in Solo5's hvt:
 * {@link #hypercall} makes such an exit. Console output goes by {@link #print}, the end of the run
 * by {@link #end}; their hypercalls have the numbers 254 and 255, all others are free.
 */
public final class ScriptedBoot implements BootProtocol {

  /** The address from which {@link #print} takes its text. */
  public static final long PRINT_BUFFER = 0xf00;

  private static final int PORT = 0x500;
  private static final int PRINT = 254;
  private static final int END = 255;
  private static final int MAX_PRINT = 0xff;

  private final List<BootImage.DeclaredDevice> declared;
  private volatile List<AttachedDevice> attached = List.of();
  private volatile List<String> arguments = List.of();

  /**
   * Creates a format whose images declare some devices.
   *
   * @param types of devices, as the manifest has them; they are named {@code device1}, {@code
   *     device2}, … after their handles
   */
  public ScriptedBoot(String... types) {
    List<BootImage.DeclaredDevice> list = new ArrayList<>();
    for (String type : types) {
      int handle = list.size() + 1;
      list.add(new BootImage.DeclaredDevice("device" + handle, type, handle));
    }
    declared = List.copyOf(list);
  }

  /**
   * {@return the exit of a hypercall}
   *
   * @param nr 0 to 253
   * @param argument 32 bits, unsigned
   */
  public static VmExit hypercall(int nr, long argument) {
    return new VmExit.IoWrite(PORT + nr, 4, argument);
  }

  /**
   * Puts text into guest memory at {@link #PRINT_BUFFER}.
   *
   * @param guest whose text it is
   * @param text at most 255 characters of ASCII
   * @return the exit of the hypercall that sends it to the console
   */
  public static VmExit print(MockVcpu guest, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
    if (bytes.length > MAX_PRINT) {
      throw new IllegalArgumentException(
          "text of %d characters: give at most %d".formatted(bytes.length, MAX_PRINT));
    }
    guest.memory().copyIn(PRINT_BUFFER, bytes, 0, bytes.length);
    return hypercall(PRINT, PRINT_BUFFER << 8 | bytes.length);
  }

  /**
   * {@return the exit of the hypercall that ends the run}
   *
   * @param status the status of {@link RunResult.Halted}
   */
  public static VmExit end(int status) {
    return hypercall(END, Integer.toUnsignedLong(status));
  }

  /** {@return the devices of the last guest that was booted, with what they tell it} */
  public List<AttachedDevice> attached() {
    return attached;
  }

  /** {@return the arguments of the last guest that was booted} */
  public List<String> arguments() {
    return arguments;
  }

  @Override
  public String name() {
    return "scripted";
  }

  @Override
  public BootImage open(Image image) {
    return new Scripted();
  }

  private final class Scripted implements BootImage {

    @Override
    public GuestArchitecture architecture() {
      return GuestArchitecture.X86_64;
    }

    @Override
    public List<DeclaredDevice> devices() {
      return declared;
    }

    @Override
    public long memoryByteSize(long requestedByteSize) {
      return Math.ceilDiv(requestedByteSize, GuestMemory.PAGE_BYTE_SIZE)
          * GuestMemory.PAGE_BYTE_SIZE;
    }

    @Override
    public HypercallConvention hypercalls() {
      return PortWrites.INSTANCE;
    }

    @Override
    public void boot(BootContext context) {
      attached = context.devices();
      arguments = context.arguments();
      context.registry().hypercall(PRINT, "PRINT", new Print(context.console()));
      context
          .registry()
          .hypercall(END, "END", call -> call.end(new RunResult.Halted((int) call.argument(), 0)));
    }
  }

  private record Print(ConsoleOutput console) implements GuestCallHandler {

    @Override
    public Outcome handle(GuestCall call) {
      return console.write(call, call.argument() >>> 8, call.argument() & MAX_PRINT);
    }

    @Override
    public Outcome resume(GuestCall call) {
      return console.resume(call);
    }
  }

  private enum PortWrites implements HypercallConvention {
    INSTANCE;

    @Override
    public int number(ExitFrame exit) {
      long nr = exit.address() - PORT;
      boolean hypercall =
          exit.kind() == ExitKind.IO_WRITE && exit.width() == 4 && nr >= 0 && nr <= END;
      return hypercall ? (int) nr : -1;
    }

    @Override
    public long argument(ExitFrame exit) {
      return exit.value();
    }
  }
}
