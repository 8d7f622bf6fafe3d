package dev.zrs.storage;

/** Transactions after one were asked for that the storage has not reached itself. */
public final class TidTooHighException extends StorageException {
  private static final long serialVersionUID = 1;

  TidTooHighException(Tid asked, Tid last) {
    super("tid %s is too high: the last transaction is %s".formatted(asked, last));
  }
}
