package dev.zrs.replication;

import java.io.EOFException;
import java.io.IOException;

/** The upstream closed the connection without a byte, which is all that the protocol has for no. */
final class UpstreamRefusedException extends EOFException {
  private static final long serialVersionUID = 1L;

  /** A primary gives no reason when it refuses; these are all that it can have. */
  static final String REASONS =
      "the upstream closed without a word: it is stopping, or is behind us (its last tid is lower"
          + " than ours), or has blobs while we have no blob-dir, or has too many connections; its"
          + " log says which";

  UpstreamRefusedException(IOException end) {
    super(REASONS);
    initCause(end);
  }
}
