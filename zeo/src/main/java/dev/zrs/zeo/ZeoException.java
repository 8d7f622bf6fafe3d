package dev.zrs.zeo;

/** A failure of the ZEO server or client; the message is meant for the operator. */
public class ZeoException extends RuntimeException {
  private static final long serialVersionUID = 1;

  public ZeoException(String message) {
    super(message);
  }

  public ZeoException(String message, Throwable cause) {
    super(message, cause);
  }
}
