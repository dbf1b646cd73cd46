// SPDX-License-Identifier: ISC

/** Small whole programs, each about one thing. */
package dev.tealight.examples;
