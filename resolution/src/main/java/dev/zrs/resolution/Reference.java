package dev.zrs.resolution;

import dev.zrs.pickle.Py;
import dev.zrs.pickle.PyGlobal;
import dev.zrs.pickle.PyList;
import dev.zrs.pickle.PyNone;
import dev.zrs.pickle.PyPersistent;
import dev.zrs.pickle.PyStr8;
import dev.zrs.pickle.PyTuple;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;

/**
 * A persistent reference (source: ZODB/serialize.py, ZODB/ConflictResolution.py): an oid, a tuple
 * of oid and class, or a list for one to another database or a weak one. Two are equal if they are
 * spelled alike.
 *
 * @param spelling which of the forms it has
 * @param oid of the object
 * @param isText whether the oid is text in the pickle
 * @param database of the object; empty if it is the same
 * @param type the class: a {@link PyGlobal}, None, or the two names of one that could not be
 *     imported; None in the forms that have none
 */
record Reference(
    Spelling spelling, long oid, boolean isText, Optional<String> database, Object type) {
  private static final int OID_LENGTH = 8;

  enum Spelling {
    OID,
    OID_AND_CLASS,
    OTHER_DATABASE,
    OTHER_DATABASE_AND_CLASS,
    WEAK,
    WEAK_OLD
  }

  /**
   * What a reference of a pickle means.
   *
   * @throws UnknownException if it is none that ZODB writes
   */
  static Reference of(PyPersistent persistent) {
    return switch (persistent.id()) {
      case PyTuple pair when pair.size() == 2 ->
          of(Spelling.OID_AND_CLASS, pair.get(0), Optional.empty(), type(pair.get(1)));
      case PyList list -> ofList(list, list.items());
      case Object oid -> of(Spelling.OID, oid, Optional.empty(), PyNone.NONE);
    };
  }

  private static Reference ofList(PyList list, List<Object> parts) {
    if (parts.size() == 1) {
      return of(Spelling.WEAK_OLD, parts.get(0), Optional.empty(), PyNone.NONE);
    }
    if (parts.size() != 2 || !(parts.get(1) instanceof PyTuple data)) {
      throw unreadable(list);
    }
    String form = text(parts.get(0)) + data.size();
    return switch (form) {
      case "m3" ->
          of(
              Spelling.OTHER_DATABASE_AND_CLASS,
              data.get(1),
              Optional.of(text(data.get(0))),
              type(data.get(2)));
      case "n2" ->
          of(Spelling.OTHER_DATABASE, data.get(1), Optional.of(text(data.get(0))), PyNone.NONE);
      case "w1" -> of(Spelling.WEAK, data.get(0), Optional.empty(), PyNone.NONE);
      case "w2" -> of(Spelling.WEAK, data.get(0), Optional.of(text(data.get(1))), PyNone.NONE);
      default -> throw unreadable(list);
    };
  }

  private static Reference of(
      Spelling spelling, Object oid, Optional<String> database, Object type) {
    byte[] bytes =
        switch (oid) {
          case byte[] plain -> plain;
          case PyStr8 str -> str.bytes();
          case String text when text.length() <= OID_LENGTH ->
              text.getBytes(StandardCharsets.UTF_8);
          default -> throw unreadable(oid);
        };
    if (bytes.length != OID_LENGTH) {
      throw unreadable(oid);
    }
    long number = ByteBuffer.wrap(bytes).getLong();
    return new Reference(spelling, number, !(oid instanceof byte[]), database, type);
  }

  /** A class, or the names of one that could not be imported. */
  private static Object type(Object part) {
    return switch (part) {
      case PyGlobal global -> BTreeClass.underPresentName(global);
      case PyNone none -> none;
      case PyTuple names when names.size() == 2 -> List.of(text(names.get(0)), text(names.get(1)));
      default -> throw unreadable(part);
    };
  }

  boolean isWeak() {
    return spelling == Spelling.WEAK || spelling == Spelling.WEAK_OLD;
  }

  /**
   * Whether both name one object. Of weak ones Python only says so if they are spelled alike, since
   * it makes one object of these.
   */
  boolean isSame(Reference other) {
    if (isWeak() || other.isWeak()) {
      return equals(other);
    }
    return oid == other.oid && database.equals(other.database);
  }

  /** A Python 2 str is text to Python 3. */
  private static String text(Object value) {
    return switch (value) {
      case PyStr8 str -> new String(str.bytes(), StandardCharsets.ISO_8859_1);
      case String text -> text;
      default -> throw unreadable(value);
    };
  }

  private static UnknownException unreadable(Object part) {
    return new UnknownException("a persistent reference with " + Py.describe(part));
  }
}
