// SPDX-License-Identifier: ISC

package dev.tealight.examples;

// snippet: random-device
import dev.tealight.Entropy;
import dev.tealight.GuestMemory;
import dev.tealight.device.Device;
import dev.tealight.device.DeviceContext;
import dev.tealight.device.DeviceHypercall;
import dev.tealight.device.GuestCall;
import dev.tealight.device.Outcome;
import dev.tealight.solo5.HvtAbi;

/**
 * Gives a guest random bytes. The guest declares it in its manifest with type 3 and makes hypercall
 * 32 with a block of: 0 handle, 8 address of the buffer, 16 its length, 24 the result.
 */
public final class RandomDevice implements Device {
  private static final DeviceHypercall FILL = new DeviceHypercall(32, "RANDOM_FILL", 32, 24);

  private final byte[] bytes = new byte[4096];

  @Override
  public String type() {
    return "0x3"; // a type that Solo5 has no name for goes by its number
  }

  @Override
  public void activate(DeviceContext context) {
    Entropy entropy = context.entropy();
    context.hypercall(FILL, call -> fill(call, entropy));
  }

  private Outcome fill(GuestCall call, Entropy entropy) {
    GuestMemory memory = call.memory();
    long block = call.argument();
    long gpa = memory.readLong(block + 8); // each field is read once, and what was read is used
    long byteSize = memory.readLong(block + 16);
    if (byteSize < 0 || byteSize > bytes.length) {
      memory.writeInt(block + FILL.resultOffset(), HvtAbi.RESULT_EINVAL);
      return Outcome.CONTINUE;
    }
    entropy.fill(bytes);
    memory.copyIn(gpa, bytes, 0, (int) byteSize); // a bad address ends the run as the guest's fault
    memory.writeInt(block + FILL.resultOffset(), HvtAbi.RESULT_OK);
    return Outcome.CONTINUE;
  }

  @Override
  public void close() {}

  /** Creates one. */
  public RandomDevice() {}
}
// end
