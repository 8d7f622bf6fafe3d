package dev.zrs.pickle;

/** A well-formed pickle held another kind of value than the caller needs. */
public final class PickleTypeException extends PickleException {
  private static final long serialVersionUID = 1L;

  /** Makes one that says what was needed and what was there. */
  public PickleTypeException(String needed, Object found) {
    super("needed " + needed + ", found " + Py.describe(found));
  }
}
