package dev.zrs.storage;

import org.jspecify.annotations.Nullable;

/**
 * The serial that a client read is not the current one (ZODB's ConflictError; ReadConflictError if
 * the client only read the object).
 */
public final class ConflictException extends StorageException {
  private static final long serialVersionUID = 1;
  private final Oid oid;
  private final Tid committed;
  private final Tid read;
  private final transient byte @Nullable [] data;
  private final boolean readConflict;

  /** A change ({@code data}), or with null data only a look, that came too late. */
  ConflictException(Oid oid, Tid committed, Tid read, byte @Nullable [] data) {
    this(oid, committed, read, data, data == null);
  }

  private ConflictException(
      Oid oid, Tid committed, Tid read, byte @Nullable [] data, boolean readConflict) {
    super("conflict: oid %s, committed %s, read %s".formatted(oid, committed, read));
    this.oid = oid;
    this.committed = committed;
    this.read = read;
    this.data = data;
    this.readConflict = readConflict;
  }

  /** A deletion that came too late. */
  static ConflictException ofDeletion(Oid oid, Tid committed, Tid read) {
    return new ConflictException(oid, committed, read, null, false);
  }

  /** The same with the data in another form. */
  ConflictException withData(byte[] other) {
    return new ConflictException(oid, committed, read, other, readConflict);
  }

  public Oid oid() {
    return oid;
  }

  /** The current serial; it may be of a pending transaction. */
  public Tid committed() {
    return committed;
  }

  /** The serial that the client's change is based on. */
  public Tid read() {
    return read;
  }

  /** The record that the client wanted to store; null if it only read the object or deleted it. */
  public byte @Nullable [] data() {
    return data;
  }

  /** Whether the client only read the object. */
  public boolean isReadConflict() {
    return readConflict;
  }
}
