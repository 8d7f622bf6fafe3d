package dev.zrs.pickle;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;

/**
 * What the pickles of a ZODB data record say about its object. A data record is two pickles, class
 * metadata and state (format: ZODB's serialize.py), perhaps in one of the forms of {@link
 * RecordForm}.
 */
public final class RecordPickles {
  private static final PyGlobal BLOB = new PyGlobal("ZODB.blob", "Blob");
  private static final byte[] BLOB_OPCODE =
      "cZODB.blob\nBlob\n".getBytes(StandardCharsets.US_ASCII);

  /** So many bytes of the pickles have nearly every class; and so many all that matter. */
  private static final int START = 512;

  private static final int MORE = 1 << 20;

  private RecordPickles() {}

  /**
   * The class of a record's object; empty if the metadata is unreadable or of an unknown form. The
   * name is as in the record, not translated from Python 2. The record may be cut off behind it; of
   * a long one in another form only the start is made out.
   */
  public static Optional<PyGlobal> classOf(byte[] record) {
    Object metadata;
    try {
      metadata = first(record);
    } catch (PickleException e) {
      return Optional.empty();
    }
    return switch (metadata) {
      case PyGlobal global -> Optional.of(global);
      case PyTuple tuple when tuple.size() > 0 && tuple.get(0) instanceof PyGlobal global ->
          Optional.of(global);
      case PyTuple tuple when tuple.size() == 2 ->
          switch (tuple.get(0)) {
            case PyTuple names when names.size() == 2 -> named(names);
            default -> named(tuple);
          };
      default -> Optional.empty();
    };
  }

  /** The name of the class, as {@link #classOf} gives it, with its module before a point. */
  public static Optional<String> classNameOf(byte[] record) {
    return classOf(record).map(PyGlobal::toString);
  }

  private static Optional<PyGlobal> named(PyTuple names) {
    try {
      return Optional.of(new PyGlobal(Py.asText(names.get(0)), Py.asText(names.get(1))));
    } catch (PickleTypeException e) {
      return Optional.empty();
    }
  }

  /**
   * True if the record is that of a blob: its first pickle is nothing but the global {@code
   * ZODB.blob.Blob}. Costs a few comparisons for nearly all other records.
   */
  public static boolean isBlob(byte[] record) {
    return isBlob(record, 0, record.length);
  }

  /** The same for a record that is a part of an array. */
  public static boolean isBlob(byte[] buf, int offset, int length) {
    if (length > 0 && buf[offset] == '.') {
      byte[] record = Arrays.copyOfRange(buf, offset, offset + length);
      return classOf(record).filter(BLOB::equals).isPresent();
    }
    int from = offset;
    int end = offset + length;
    if (length >= 2 && (buf[from] & 0xff) == Opcode.PROTO) {
      if (buf[from + 1] >= 4) {
        return isGlobalBlob(buf, offset, length);
      }
      from += 2;
    }
    int nameEnd = from + BLOB_OPCODE.length;
    return nameEnd <= end
        && Arrays.equals(buf, from, nameEnd, BLOB_OPCODE, 0, BLOB_OPCODE.length)
        && isGlobalBlob(buf, offset, length);
  }

  private static boolean isGlobalBlob(byte[] buf, int offset, int length) {
    try {
      Unpickler unpickler = new Unpickler(buf, offset, length, PickleLimits.DEFAULT).keepNames();
      return unpickler.load().equals(BLOB);
    } catch (PickleException e) {
      return false;
    }
  }

  private static Object first(byte[] record) {
    if (!RecordForm.isTransformed(record)) {
      return load(record);
    }
    try {
      return load(RecordForm.start(record, START));
    } catch (PickleException tooShort) {
      return load(RecordForm.start(record, MORE));
    }
  }

  private static Object load(byte[] pickles) {
    return new Unpickler(pickles, 0, pickles.length, PickleLimits.DEFAULT).keepNames().load();
  }
}
