package dev.zrs.server.logging;

import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.Configurator;
import ch.qos.logback.core.spi.ContextAwareBase;

/**
 * What logback does before {@link PythonLogging#start}: warnings go to standard error. Without it
 * logback would look for XML files on the class path and print debug events to standard output.
 */
public final class LastResort extends ContextAwareBase implements Configurator {
  @Override
  public ExecutionStatus configure(LoggerContext context) {
    PythonLogging.start(PythonLogging.standardError(PythonLevel.WARNING), context);
    return ExecutionStatus.DO_NOT_INVOKE_NEXT_IF_ANY;
  }
}
