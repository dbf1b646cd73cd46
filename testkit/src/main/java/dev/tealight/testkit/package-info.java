// SPDX-License-Identifier: ISC

/**
 * What tests are written with: a backend whose guests are scripts, a clock that stands still, guest
 * programs, and counts of what the process holds open.
 */
package dev.tealight.testkit;
