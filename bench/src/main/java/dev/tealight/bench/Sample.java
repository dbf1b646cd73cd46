// SPDX-License-Identifier: ISC
package dev.tealight.bench;

import java.util.Arrays;
import java.util.Locale;

/** Repeated measurements of one thing. */
final class Sample {
  /**
   * Student's t for a one-sided bound at 95 %, by degrees of freedom from 1; 1.645 in the limit.
   */
  private static final double[] STUDENT_T = {
    6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833, 1.812, 1.796, 1.782, 1.771,
    1.761, 1.753, 1.746, 1.740, 1.734, 1.729, 1.725, 1.721, 1.717, 1.714, 1.711, 1.708, 1.706,
    1.703, 1.701, 1.699, 1.697
  };

  private final double[] sorted;

  private Sample(double[] values) {
    sorted = values.clone();
    Arrays.sort(sorted);
  }

  /**
   * {@return a sample}
   *
   * @param values at least one, in any order
   */
  static Sample of(double... values) {
    if (values.length == 0) {
      throw new IllegalArgumentException("nothing was measured");
    }
    return new Sample(values);
  }

  /** {@return round by round the quotient of two series of the same length} */
  static Sample ratio(double[] numerators, double[] denominators) {
    double[] ratios = new double[numerators.length];
    Arrays.setAll(ratios, i -> numerators[i] / denominators[i]);
    return of(ratios);
  }

  double min() {
    return sorted[0];
  }

  double max() {
    return sorted[sorted.length - 1];
  }

  double median() {
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  double mean() {
    return Arrays.stream(sorted).average().orElseThrow();
  }

  /** {@return the value that the true mean exceeds with a confidence of 95 %; by Student's t} */
  double lowerBound() {
    int freedom = sorted.length - 1;
    if (freedom == 0) {
      return Double.NEGATIVE_INFINITY;
    }
    double mean = mean();
    double squares = Arrays.stream(sorted).map(value -> (value - mean) * (value - mean)).sum();
    double t = freedom <= STUDENT_T.length ? STUDENT_T[freedom - 1] : STUDENT_T[29];
    return mean - t * Math.sqrt(squares / freedom / sorted.length);
  }

  /** {@return median, minimum and maximum} */
  @Override
  public String toString() {
    return String.format(Locale.ROOT, "%.3g (%.3g to %.3g)", median(), min(), max());
  }
}
