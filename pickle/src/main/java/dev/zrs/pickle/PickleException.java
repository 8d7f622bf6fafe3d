package dev.zrs.pickle;

/**
 * A pickle could not be read or written. Every failure of this module that the data causes is of
 * this class; the message of a failed read names the opcode and its offset.
 */
public class PickleException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Makes one with a message for the operator. */
  public PickleException(String message) {
    super(message);
  }
}
