// SPDX-License-Identifier: ISC
/** What nobody but this module uses. */
package dev.tealight.testkit.internal;
