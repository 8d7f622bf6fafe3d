package dev.zrs.pickle;

import java.nio.charset.StandardCharsets;
import java.util.function.LongConsumer;

/**
 * The references from a data record to other objects of the same database, as ZODB's serialize.py
 * finds them. A persistent id is an oid or a tuple that begins with one. Where it is a list, it is
 * a weak reference or one to another database, and keeps nothing alive. An oid is eight bytes, also
 * as a Python 2 str, or as a str if all bytes are ASCII. Any thread may call.
 */
public final class RecordReferences {
  private static final int OID_LENGTH = 8;

  private RecordReferences() {}

  /**
   * Tells {@code oids} the oid of each reference, as a big-endian number, in the order of the
   * record; one that is there twice is told twice.
   *
   * @param any class metadata and state: two pickles, in any form
   * @throws PickleException if it can't be read, or an oid has not eight bytes; some references may
   *     have been told by then
   */
  public static void of(byte[] any, LongConsumer oids) {
    byte[] record = RecordForm.plain(any);
    ofPlain(record, 0, record.length, oids);
  }

  /** The same for a record that is in no form, and a part of an array. */
  static void ofPlain(byte[] buffer, int offset, int length, LongConsumer oids) {
    Unpickler unpickler =
        new Unpickler(buffer, offset, length, PickleLimits.DEFAULT)
            .keepNames()
            .tellPersistentIds(id -> tell(id, oids));
    unpickler.load();
    unpickler.load();
  }

  private static void tell(Object id, LongConsumer oids) {
    if (id instanceof PyList) {
      return;
    }
    Object oid = id;
    if (id instanceof PyTuple tuple) {
      if (tuple.size() == 0) {
        throw new PickleException("a persistent id is an empty tuple");
      }
      oid = tuple.get(0);
    }
    byte[] bytes =
        switch (oid) {
          case byte[] plain -> plain;
          case PyStr8 str -> str.bytes();
          case String text when StandardCharsets.US_ASCII.newEncoder().canEncode(text) ->
              text.getBytes(StandardCharsets.US_ASCII);
          default -> throw new PickleException("a persistent id is no oid but " + Py.describe(oid));
        };
    if (bytes.length != OID_LENGTH) {
      throw new PickleException("an oid has " + bytes.length + " bytes");
    }
    long value = 0;
    for (byte each : bytes) {
      value = value << 8 | (each & 0xff);
    }
    oids.accept(value);
  }
}
