package dev.zrs.pickle;

import java.math.BigInteger;
import java.util.List;

/**
 * Typed access to the values of a pickle. Each method throws {@link PickleTypeException} if the
 * value is of another kind.
 */
public final class Py {
  private static final int MAX_NAME = 200;

  private Py() {}

  /** The bytes of a bytes, bytearray or Python 2 str; not a copy. */
  public static byte[] asBytes(Object value) {
    return switch (value) {
      case byte[] bytes -> bytes;
      case PyStr8 str -> str.bytes();
      case PyByteArray array -> array.bytes();
      default -> throw new PickleTypeException("bytes", value);
    };
  }

  /** The text of a str, or of a Python 2 str, which must be UTF-8. */
  public static String asText(Object value) {
    return switch (value) {
      case String text -> text;
      case PyStr8 str -> {
        String text = Utf8.decodeOrNull(str.bytes(), 0, str.bytes().length);
        if (text == null) {
          throw new PickleTypeException("text", value);
        }
        yield text;
      }
      default -> throw new PickleTypeException("text", value);
    };
  }

  /** An integer of at most 64 bits; a bool counts as 0 or 1, as in Python. */
  public static long asLong(Object value) {
    return switch (value) {
      case Long number -> number;
      case Boolean bool -> bool ? 1 : 0;
      default -> throw new PickleTypeException("an integer of at most 64 bits", value);
    };
  }

  /** An integer of at most 32 bits; a bool counts as 0 or 1, as in Python. */
  public static int asInt(Object value) {
    long number = asLong(value);
    if (number != (int) number) {
      throw new PickleTypeException("an integer of at most 32 bits", value);
    }
    return (int) number;
  }

  /** A float, or an integer as one. */
  public static double asDouble(Object value) {
    return switch (value) {
      case Double number -> number;
      case Long number -> number.doubleValue();
      case BigInteger number -> number.doubleValue();
      default -> throw new PickleTypeException("a number", value);
    };
  }

  /** A bool, or an integer by Python's rule that zero is false. */
  public static boolean asBoolean(Object value) {
    return switch (value) {
      case Boolean bool -> bool;
      case Long number -> number != 0;
      default -> throw new PickleTypeException("a bool", value);
    };
  }

  /** A tuple. */
  public static PyTuple asTuple(Object value) {
    if (value instanceof PyTuple tuple) {
      return tuple;
    }
    throw new PickleTypeException("a tuple", value);
  }

  /** A tuple of exactly this size. */
  public static PyTuple asTuple(Object value, int size) {
    PyTuple tuple = asTuple(value);
    if (tuple.size() != size) {
      throw new PickleTypeException("a tuple of " + size, value);
    }
    return tuple;
  }

  /** The values of a list or tuple. */
  public static List<Object> asSequence(Object value) {
    return switch (value) {
      case PyTuple tuple -> tuple.items();
      case PyList list -> list.items();
      default -> throw new PickleTypeException("a list or tuple", value);
    };
  }

  /** A dict. */
  public static PyDict asDict(Object value) {
    if (value instanceof PyDict dict) {
      return dict;
    }
    throw new PickleTypeException("a dict", value);
  }

  /** True for Python's None. */
  public static boolean isNone(Object value) {
    return value == PyNone.NONE;
  }

  /**
   * A short description for messages: the kind of value and its size, never its whole content, and
   * never recursive.
   */
  public static String describe(Object value) {
    return switch (value) {
      case PyNone none -> "None";
      case byte[] bytes -> "bytes of length " + bytes.length;
      case PyStr8 str -> "a Python 2 str of length " + str.bytes().length;
      case String text -> "text of length " + text.length();
      case Long number -> "the integer " + number;
      case BigInteger number -> "an integer of " + number.bitLength() + " bits";
      case PyTuple tuple -> "a tuple of " + tuple.size();
      case PyList list -> "a list of " + list.size();
      case PyDict dict -> "a dict of " + dict.size();
      case PySet set -> "a set of " + set.size();
      case PyFrozenSet set -> "a frozenset of " + set.size();
      case PyByteArray array -> "a bytearray of length " + array.bytes().length;
      case PyPersistent persistent -> "a persistent reference";
      case PyInstance instance ->
          "an instance of "
              + (instance.callable() instanceof PyGlobal global
                  ? "class " + named(global)
                  : "something");
      case PyGlobal global -> "the global " + named(global);
      default -> value.getClass().getSimpleName() + " " + value;
    };
  }

  /** The name as it may stand in a message: who made the pickle can choose any. */
  private static String named(PyGlobal global) {
    String name = global.toString();
    boolean cut = name.length() > MAX_NAME;
    return name.substring(0, cut ? MAX_NAME : name.length()).replaceAll("\\p{Cntrl}", "?")
        + (cut ? "..." : "");
  }
}
