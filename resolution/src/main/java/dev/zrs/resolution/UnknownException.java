package dev.zrs.resolution;

/** Only the application's own code can tell what the merge is. */
final class UnknownException extends RuntimeException {
  private static final long serialVersionUID = 1;

  UnknownException(String reason) {
    super(reason, null, false, false);
  }
}
