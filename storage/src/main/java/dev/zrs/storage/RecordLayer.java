package dev.zrs.storage;

import dev.zrs.pickle.PickleException;
import dev.zrs.pickle.RecordForm;

/**
 * What is made of data records on their way into the file, and taken back when they are loaded. A
 * record tells its form, so every layer gives records that are in none as they are, and a file may
 * have both. Any thread may call.
 */
public enum RecordLayer {
  /** Compressed, as by zc.zlibstorage. */
  ZLIB {
    @Override
    byte[] stored(byte[] record) {
      return RecordForm.compressed(record);
    }

    @Override
    byte[] plain(byte[] record) {
      return RecordForm.decompressed(record);
    }
  },

  /** The same with its {@code compress} off: new records are stored as they come. */
  ZLIB_LOADING {
    @Override
    byte[] stored(byte[] record) {
      return record;
    }

    @Override
    byte[] plain(byte[] record) {
      return RecordForm.decompressed(record);
    }
  },

  /** Hexadecimal digits, as by the hexstorage of zc.zrs, which tests use. */
  HEX {
    @Override
    byte[] stored(byte[] record) {
      return RecordForm.hexed(record);
    }

    @Override
    byte[] plain(byte[] record) {
      return RecordForm.unhexed(record);
    }
  };

  /** The form in which the file gets a record; it may be the array itself. */
  abstract byte[] stored(byte[] record);

  abstract byte[] plain(byte[] record);

  /**
   * A record of the file as whoever loads it gets it; it may be the array itself.
   *
   * @param storage the name to put into an error
   * @throws StorageException if it can't be made out
   */
  byte[] loaded(byte[] record, String storage, Oid oid, Tid tid) {
    try {
      return plain(record);
    } catch (PickleException e) {
      throw new StorageException(
          "%s: the record of object %s of transaction %s can't be read: %s"
              .formatted(storage, oid, tid, e.getMessage()),
          e);
    }
  }
}
