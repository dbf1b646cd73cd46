// SPDX-License-Identifier: ISC
/** Runs one guest as a process: its output is the process's, its end the exit status. */
package dev.tealight.launch;
