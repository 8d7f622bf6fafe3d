package dev.zrs.server;

/** An address that can't be listened at; the message names it. */
final class AddressException extends RuntimeException {
  private static final long serialVersionUID = 1;

  AddressException(String message, Throwable cause) {
    super(message, cause);
  }

  AddressException(String message) {
    super(message);
  }
}
