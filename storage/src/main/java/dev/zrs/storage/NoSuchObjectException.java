package dev.zrs.storage;

/** The object does not exist, or no longer (ZODB's POSKeyError). */
public final class NoSuchObjectException extends StorageException {
  private static final long serialVersionUID = 1;
  private final Oid oid;

  public NoSuchObjectException(Oid oid, String what) {
    super(what + ": oid " + oid);
    this.oid = oid;
  }

  public Oid oid() {
    return oid;
  }
}
