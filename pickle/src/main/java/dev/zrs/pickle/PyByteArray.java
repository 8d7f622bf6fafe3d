package dev.zrs.pickle;

/** A Python bytearray. Compared by identity, as it can be changed. */
public final class PyByteArray {
  private final byte[] bytes;

  /** One that owns these bytes. */
  public PyByteArray(byte[] bytes) {
    this.bytes = bytes;
  }

  /** The content itself, not a copy. */
  public byte[] bytes() {
    return bytes;
  }

  @Override
  public String toString() {
    return Py.describe(this);
  }
}
