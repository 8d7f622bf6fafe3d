package dev.zrs.resolution;

import dev.zrs.pickle.Py;
import dev.zrs.pickle.PyGlobal;
import dev.zrs.pickle.PyList;
import dev.zrs.pickle.PyNone;
import dev.zrs.pickle.PyPersistent;
import dev.zrs.pickle.PyStr8;
import dev.zrs.pickle.PyTuple;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/**
 * A persistent reference (source: ZODB/serialize.py, ZODB/ConflictResolution.py): an oid, a tuple
 * of oid and class, or a list for one to another database or a weak one.
 *
 * @param id as in the pickle
 * @param oid of the object, as a list so that it can be compared
 * @param database of the object; None if it is the same
 * @param isWeak whether it keeps the object alive
 */
record Reference(Object id, List<Byte> oid, Object database, boolean isWeak) {
  static Reference of(PyPersistent persistent) {
    Object id = persistent.id();
    if (id instanceof PyTuple tuple && tuple.size() == 2 && isClass(tuple.get(1))) {
      return new Reference(id, bytes(tuple.get(0)), PyNone.NONE, false);
    }
    if (!(id instanceof PyList list)) {
      return new Reference(id, bytes(id), PyNone.NONE, false);
    }
    List<Object> parts = list.items();
    if (parts.size() == 1) {
      return new Reference(id, bytes(parts.get(0)), PyNone.NONE, true);
    }
    if (parts.size() == 2 && parts.get(1) instanceof PyTuple data) {
      Object kind = text(parts.get(0));
      boolean hasClass = kind.equals("m") && data.size() == 3 && isClass(data.get(2));
      if (hasClass || (kind.equals("n") && data.size() == 2)) {
        return new Reference(id, bytes(data.get(1)), text(data.get(0)), false);
      }
      if (kind.equals("w") && (data.size() == 1 || data.size() == 2)) {
        return new Reference(
            id, bytes(data.get(0)), data.size() == 2 ? text(data.get(1)) : PyNone.NONE, true);
      }
    }
    throw unreadable(id);
  }

  /** A class, or the names of one that could not be imported. */
  private static boolean isClass(Object part) {
    return part instanceof PyGlobal
        || part == PyNone.NONE
        || (part instanceof PyTuple names
            && names.size() == 2
            && names.items().stream().allMatch(name -> text(name) instanceof String));
  }

  /**
   * Whether both name one object. Of weak ones Python only says so if they are spelled alike, since
   * it makes one object of these.
   */
  boolean isSame(Reference other) {
    if (isWeak || other.isWeak) {
      return isSpelledAs(other);
    }
    return oid.equals(other.oid) && database.equals(other.database);
  }

  /** Whether both are the same in the pickle. */
  boolean isSpelledAs(Reference other) {
    return isSpelledAs(id, other.id);
  }

  private static boolean isSpelledAs(Object left, Object right) {
    if (left instanceof PyTuple || left instanceof PyList) {
      List<Object> a = Py.asSequence(left);
      if (!left.getClass().equals(right.getClass()) || a.size() != Py.asSequence(right).size()) {
        return false;
      }
      List<Object> b = Py.asSequence(right);
      for (int i = 0; i < a.size(); i++) {
        if (!isSpelledAs(a.get(i), b.get(i))) {
          return false;
        }
      }
      return true;
    }
    if (left instanceof byte[] a && right instanceof byte[] b) {
      return Arrays.equals(a, b);
    }
    return text(left).equals(text(right));
  }

  /** A Python 2 str is text to Python 3. */
  private static Object text(Object value) {
    return switch (value) {
      case PyStr8 str -> new String(str.bytes(), StandardCharsets.ISO_8859_1);
      case PyGlobal global -> global;
      case String text -> text;
      case PyNone none -> none;
      default -> value;
    };
  }

  private static List<Byte> bytes(Object oid) {
    byte[] bytes =
        switch (oid) {
          case byte[] plain -> plain;
          case PyStr8 str -> str.bytes();
          case String text -> text.getBytes(StandardCharsets.UTF_8);
          default -> throw unreadable(oid);
        };
    Byte[] boxed = new Byte[bytes.length];
    Arrays.setAll(boxed, i -> bytes[i]);
    return List.of(boxed);
  }

  private static UnknownException unreadable(Object id) {
    return new UnknownException("a persistent reference that is " + Py.describe(id));
  }
}
