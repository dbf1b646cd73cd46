// SPDX-License-Identifier: ISC
/** Network devices over taps, a switch in the JVM, and sockets. */
package dev.tealight.device.net;
