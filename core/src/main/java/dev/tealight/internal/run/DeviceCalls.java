// SPDX-License-Identifier: ISC
package dev.tealight.internal.run;

import dev.tealight.ConfigurationException;
import dev.tealight.device.DeviceHypercall;
import dev.tealight.device.GuestCall;
import dev.tealight.device.GuestCallHandler;
import dev.tealight.device.Outcome;
import dev.tealight.spi.BootImage.DeclaredDevice;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Hands the hypercalls that name a device by its handle to that device. A handle that nobody serves
 * is answered with {@link #EINVAL}, as Solo5's ABI has it for a handle that is no device of the
 * call's type.
 */
final class DeviceCalls {

  /** The result code for an argument that makes no sense. */
  private static final int EINVAL = 2;

  private final HandlerTable handlers;
  private final List<ByHandle> calls = new ArrayList<>();

  DeviceCalls(HandlerTable handlers) {
    this.handlers = handlers;
  }

  void register(DeviceHypercall call, DeclaredDevice device, GuestCallHandler handler) {
    for (ByHandle known : calls) {
      if (known.call.equals(call)) {
        known.add(device, handler);
        return;
      }
    }
    ByHandle added = new ByHandle(call);
    added.add(device, handler);
    calls.add(added);
    handlers.hypercall(call.nr(), call.name(), added);
  }

  private static final class ByHandle implements GuestCallHandler {
    private final DeviceHypercall call;
    private final @Nullable GuestCallHandler[] byHandle =
        new GuestCallHandler[DeclaredDevice.MAX_HANDLE + 1];
    private @Nullable GuestCallHandler waiting;

    ByHandle(DeviceHypercall call) {
      this.call = call;
    }

    void add(DeclaredDevice device, GuestCallHandler handler) {
      if (byHandle[device.handle()] != null) {
        throw new ConfigurationException(
            "device %s registers %s twice".formatted(device.name(), call.name()));
      }
      byHandle[device.handle()] = handler;
    }

    @Override
    public Outcome handle(GuestCall guestCall) {
      long block = guestCall.argument();
      guestCall.memory().checkRead(block, call.blockByteSize());
      // The ABI passes 64 bits and means the low 32.
      int handle = (int) guestCall.memory().readLong(block);
      GuestCallHandler handler = handle >= 0 && handle < byHandle.length ? byHandle[handle] : null;
      if (handler == null) {
        guestCall.memory().writeInt(block + call.resultOffset(), EINVAL);
        return Outcome.CONTINUE;
      }
      waiting = handler;
      return handler.handle(guestCall);
    }

    @Override
    public Outcome resume(GuestCall guestCall) {
      GuestCallHandler handler = waiting;
      if (handler == null) {
        throw new IllegalStateException("%s resumed without having waited".formatted(call.name()));
      }
      return handler.resume(guestCall);
    }
  }
}
