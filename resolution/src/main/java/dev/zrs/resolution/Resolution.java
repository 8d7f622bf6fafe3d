package dev.zrs.resolution;

/** What came of an attempt to merge two changes of one object. */
public sealed interface Resolution {
  /**
   * Both changes are in one record.
   *
   * @param record the data record; owned by the receiver
   */
  @SuppressWarnings("ArrayRecordComponent") // compared by nobody
  record Resolved(byte[] record) implements Resolution {}

  /**
   * The class's own Python code would refuse, too: asking it is of no use.
   *
   * @param reason for the log
   */
  record Refused(String reason) implements Resolution {}

  /**
   * This needs code of the application: it is another class, or values are to be compared that only
   * their own class can compare.
   *
   * @param reason for the log
   */
  record Unknown(String reason) implements Resolution {}
}
