package dev.zrs.server;

/** There is nothing to report; the message is the line to print instead. */
final class NagiosException extends RuntimeException {
  private static final long serialVersionUID = 1;

  NagiosException(String line, Throwable cause) {
    super(line, cause);
  }
}
