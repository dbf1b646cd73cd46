// SPDX-License-Identifier: ISC
/** Builds one customised monitor for each unikernel. */
package dev.tealight.build;
