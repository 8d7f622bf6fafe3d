package dev.zrs.server.directory;

/** A directory can't be used at all; the message is for the operator. */
public final class DirectoryException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public DirectoryException(String message, Throwable cause) {
    super(message, cause);
  }

  /** An installation may leave out what only ZooKeeper needs. */
  public static DirectoryException jarsAreMissing(NoClassDefFoundError error) {
    return new DirectoryException(
        "ZooKeeper is asked for, but this installation lacks the jars for it: "
            + error.getMessage(),
        error);
  }
}
