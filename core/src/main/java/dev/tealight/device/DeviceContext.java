// SPDX-License-Identifier: ISC
package dev.tealight.device;

import dev.tealight.Entropy;
import dev.tealight.GuestMemory;
import dev.tealight.ReadinessSource;
import dev.tealight.TimeSource;
import java.util.Optional;

/** What a device may use of the monitor it belongs to. */
public interface DeviceContext {

  /** {@return the name the guest's manifest gives the device} */
  String name();

  /** {@return the number by which the guest addresses it: its place in the manifest, 1 to 63} */
  int handle();

  /**
   * {@return the memory of the guest; any thread, until it goes, just before the device is closed}
   */
  GuestMemory memory();

  /** {@return the clocks of the monitor} */
  TimeSource time();

  /** {@return the monitor's random bytes} */
  Entropy entropy();

  /**
   * Serves a hypercall for this device. Other devices may register the same call: the monitor hands
   * each the requests that carry its handle, and answers requests with a handle that nobody serves
   * by itself.
   *
   * @param call the hypercall
   * @param handler serves the requests for this device; {@link GuestCall#argument} is checked to be
   *     a readable block of the call's size
   */
  void hypercall(DeviceHypercall call, GuestCallHandler handler);

  /**
   * {@return the registry for ports, addresses and hypercalls that are no {@link DeviceHypercall}}
   */
  GuestCallRegistry registry();

  /**
   * {@return the way to a guest that knows no hypercalls, or empty if it knows them} Where it is
   * there, a device presents itself by it and by nothing else.
   *
   * @throws dev.tealight.ConfigurationException if the guest needs it and its module is missing
   */
  default Optional<VirtioTransport> virtio() {
    return Optional.empty();
  }

  /**
   * Tells the guest about the device, in the 16 bytes that its manifest entry has for it.
   *
   * @param properties at most 16 bytes, little-endian, as the ABI lays them out for this type
   */
  void describe(byte[] properties);

  /**
   * Lets the guest wait for this device: its bit in the ready set of POLL.
   *
   * @param source ready when the guest should look at the device
   */
  void pollable(ReadinessSource source);

  /**
   * Offers the frames of a network device to ways of moving them that the guest's format has beside
   * hypercalls.
   *
   * @param frames of the device
   */
  void frames(FrameTransfer frames);

  /**
   * Reports a failure of the host that the guest only sees as an error code: logged and told to
   * observers.
   *
   * @param what the operation with its values
   * @param cause what the host reported
   */
  void hostFailure(String what, Exception cause);
}
