// SPDX-License-Identifier: ISC
package dev.tealight.device.net;

/**
 * What a {@link SwitchPort} has carried since it was made.
 *
 * @param sentFrames frames that the guest sent and the switch took
 * @param sentBytes bytes of those
 * @param receivedFrames frames that were queued for the guest
 * @param receivedBytes bytes of those
 * @param refusedFrames frames of the guest with a source address that is not its own
 * @param droppedFrames frames for the guest for which its queue had no room
 * @param lostFrames frames for the guest that {@link LinkConditions} lost
 */
public record PortCounters(
    long sentFrames,
    long sentBytes,
    long receivedFrames,
    long receivedBytes,
    long refusedFrames,
    long droppedFrames,
    long lostFrames) {}
