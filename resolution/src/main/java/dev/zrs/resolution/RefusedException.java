package dev.zrs.resolution;

/** The Python code would refuse this merge. */
final class RefusedException extends RuntimeException {
  private static final long serialVersionUID = 1;

  RefusedException(String reason) {
    super(reason, null, false, false);
  }

  RefusedException(MergeError reason) {
    this(reason.toString());
  }
}
