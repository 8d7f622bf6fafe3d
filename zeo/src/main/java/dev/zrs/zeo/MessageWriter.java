package dev.zrs.zeo;

/**
 * Writes messages in the encoding that a connection uses, into a buffer that can be used again.
 * What begins with a number of parts must get so many, and the same number at its end. For one
 * thread at a time.
 */
interface MessageWriter {
  /** Forgets what is written. */
  void reset();

  /** The buffer itself; replaced by a larger one when it must grow. */
  byte[] buffer();

  /** How many bytes of the buffer are written. */
  int size();

  /** Before the one value that is the message. */
  MessageWriter begin();

  /** After it. */
  MessageWriter end();

  MessageWriter beginTuple(int parts);

  MessageWriter endTuple(int parts);

  MessageWriter beginList(int parts);

  MessageWriter endList(int parts);

  MessageWriter beginDict(int entries);

  MessageWriter endDict(int entries);

  MessageWriter none();

  MessageWriter bool(boolean value);

  MessageWriter integer(long value);

  MessageWriter text(String value);

  MessageWriter bytes(byte[] source, int offset, int length);

  /** The eight bytes of an oid or tid. */
  MessageWriter bytes8(long value);

  /**
   * Any value that is data.
   *
   * @throws dev.zrs.pickle.PickleException if the encoding has no form for it; what was written is
   *     of no use then
   */
  MessageWriter value(Object value);

  default MessageWriter bytes(byte[] value) {
    return bytes(value, 0, value.length);
  }
}
