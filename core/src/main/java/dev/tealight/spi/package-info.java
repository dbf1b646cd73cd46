// SPDX-License-Identifier: ISC
/**
 * What backends, devices and image formats implement, and what custom monitors are written with.
 */
package dev.tealight.spi;
