package dev.zrs.storage;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Who made a transaction and why, exactly as it is kept in the file. The arrays are not copied: do
 * not change them.
 *
 * @param user user name, at most {@value #MAX_LENGTH} bytes (UTF-8 by custom)
 * @param description what was done, at most {@value #MAX_LENGTH} bytes
 * @param extension a pickled dictionary, or nothing; at most {@value #MAX_LENGTH} bytes
 */
@SuppressWarnings("ArrayRecordComponent") // equals and hashCode compare the contents
public record TransactionMetadata(byte[] user, byte[] description, byte[] extension) {
  /** The transaction header has two bytes for each length. */
  public static final int MAX_LENGTH = 65535;

  /** No user, no description, no extension. */
  public static final TransactionMetadata EMPTY =
      new TransactionMetadata(Bytes.EMPTY, Bytes.EMPTY, Bytes.EMPTY);

  /**
   * Checks the lengths.
   *
   * @throws StorageException if one is too long
   */
  public TransactionMetadata {
    check(user, "user name too long");
    check(description, "description too long");
    check(extension, "too much extension data");
  }

  private static void check(byte[] field, String message) {
    if (field.length > MAX_LENGTH) {
      throw new StorageException(message + ": " + field.length + " bytes");
    }
  }

  int length() {
    return user.length + description.length + extension.length;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof TransactionMetadata that
        && Arrays.equals(user, that.user)
        && Arrays.equals(description, that.description)
        && Arrays.equals(extension, that.extension);
  }

  @Override
  public int hashCode() {
    return 31 * (31 * Arrays.hashCode(user) + Arrays.hashCode(description))
        + Arrays.hashCode(extension);
  }
}
