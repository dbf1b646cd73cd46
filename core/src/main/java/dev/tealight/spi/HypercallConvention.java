// SPDX-License-Identifier: ISC
package dev.tealight.spi;

import dev.tealight.ExitFrame;

/**
 * How an exit is recognised as a hypercall. Stateless, allocates nothing.
 *
 * <p>It is asked before handlers of ports and addresses are looked for. An image therefore claims
 * in the {@linkplain BootContext#registry registry} the ports or addresses that it has hypercalls
 * on: a handler that would be hidden by them is then refused.
 */
public interface HypercallConvention {

  /** No hypercalls at all. */
  HypercallConvention NONE =
      new HypercallConvention() {
        @Override
        public int number(ExitFrame exit) {
          return -1;
        }

        @Override
        public long argument(ExitFrame exit) {
          return 0;
        }
      };

  /**
   * {@return the number of the hypercall, or -1 if the exit is none}
   *
   * @param exit the exit
   */
  int number(ExitFrame exit);

  /**
   * {@return the argument of the hypercall}
   *
   * @param exit an exit for which {@link #number} is not negative
   */
  long argument(ExitFrame exit);
}
