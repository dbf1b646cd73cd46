// SPDX-License-Identifier: ISC

/** Test suites that every backend and every device passes: extend them and say what to test. */
package dev.tealight.testkit.contract;
