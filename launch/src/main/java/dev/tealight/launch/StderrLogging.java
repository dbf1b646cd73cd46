// SPDX-License-Identifier: ISC
package dev.tealight.launch;

import org.slf4j.ILoggerFactory;
import org.slf4j.IMarkerFactory;
import org.slf4j.helpers.BasicMarkerFactory;
import org.slf4j.helpers.NOPMDCAdapter;
import org.slf4j.spi.MDCAdapter;
import org.slf4j.spi.SLF4JServiceProvider;

/** Warnings and errors of the library as plain lines on standard error, and nothing else. */
public final class StderrLogging implements SLF4JServiceProvider {
  private final ILoggerFactory loggers = StderrLogger::new;
  private final IMarkerFactory markers = new BasicMarkerFactory();
  private final MDCAdapter contexts = new NOPMDCAdapter();

  /** Creates one, for SLF4J, which is told about it by {@link #use}. */
  public StderrLogging() {}

  /** Makes SLF4J use it. To be called before anything logs. */
  public static void use() {
    // Naming it spares looking for one in every jar; and it is not worth a message.
    System.setProperty("slf4j.provider", StderrLogging.class.getName());
    System.setProperty("slf4j.internal.verbosity", "WARN");
  }

  @Override
  public ILoggerFactory getLoggerFactory() {
    return loggers;
  }

  @Override
  public IMarkerFactory getMarkerFactory() {
    return markers;
  }

  @Override
  public MDCAdapter getMDCAdapter() {
    return contexts;
  }

  @Override
  public String getRequestedApiVersion() {
    return "2.0.99";
  }

  @Override
  public void initialize() {}
}
