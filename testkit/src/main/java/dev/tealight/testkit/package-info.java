// SPDX-License-Identifier: ISC

/** Mock backend, contract suites and guest programs for authors of tests. */
package dev.tealight.testkit;
