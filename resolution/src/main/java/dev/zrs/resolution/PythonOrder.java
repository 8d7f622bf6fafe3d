package dev.zrs.resolution;

import dev.zrs.pickle.Py;
import dev.zrs.pickle.PyDict;
import dev.zrs.pickle.PyFrozenSet;
import dev.zrs.pickle.PyGlobal;
import dev.zrs.pickle.PyList;
import dev.zrs.pickle.PyNone;
import dev.zrs.pickle.PyPersistent;
import dev.zrs.pickle.PySet;
import dev.zrs.pickle.PyStr8;
import dev.zrs.pickle.PyTuple;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;

/**
 * Compares values of pickles as Python compares what they stand for, and BTrees with it: None is
 * less than all else; then {@code <}, then {@code ==}. For the built-in types, dates and times, and
 * persistent references as ZODB's conflict resolution has them (source:
 * ZODB/ConflictResolution.py). For one merge, on one thread.
 */
final class PythonOrder {
  /** Python gives up at about this depth, too. */
  private static final int MAX_DEPTH = 300;

  /**
   * Steps, one for each byte or character that may have to be looked at. A bucket of strings takes
   * some ten thousand. Values that share their parts could take forever, and the commit lock is
   * held meanwhile.
   */
  static final long MAX_WORK = 64 << 20;

  /** What a comparison costs beside them. */
  private static final int COMPARISON = 64;

  /** Any float is less than a number of more bits. */
  private static final int FLOAT_BITS = 1024;

  /** Whole numbers of so many bits are floats. */
  private static final int EXACT_BITS = 53;

  /** What it costs to compare others with a float. */
  private static final int LONG_COMPARISON = 4096;

  private long work;
  private int depth;

  /**
   * As the macro COMPARE of BTrees: negative, 0 or positive. Values of which neither is less and
   * that are not equal, as sets or NaN may be, give a positive number.
   */
  int compare(Object left, Object right) {
    if (left == PyNone.NONE || right == PyNone.NONE) {
      return Boolean.compare(left != PyNone.NONE, right != PyNone.NONE);
    }
    if (isLess(left, right)) {
      return -1;
    }
    return isEqual(left, right) ? 0 : 1;
  }

  private boolean isLess(Object a, Object b) {
    charge(a, b);
    Object left = plain(a);
    Object right = plain(b);
    if (left instanceof PyPersistent || right instanceof PyPersistent) {
      // No reference is less than itself; all other comparisons are refused.
      return !isSameReference(left, right);
    }
    if (isNumber(left) && isNumber(right)) {
      return compareNumbers(left, right) == Order.LESS;
    }
    if (left instanceof String text && right instanceof String other) {
      return compareText(text, other) < 0;
    }
    if (left instanceof byte[] bytes && right instanceof byte[] other) {
      return Arrays.compareUnsigned(bytes, other) < 0;
    }
    if (left instanceof PyTuple tuple && right instanceof PyTuple other) {
      return isLess(tuple.items(), other.items());
    }
    if (left instanceof PyList list && right instanceof PyList other) {
      return isLess(list.items(), other.items());
    }
    if (isSet(left) && isSet(right)) {
      return isSubset(left, right) && !isSubset(right, left);
    }
    if (left instanceof PythonTime time && right instanceof PythonTime other) {
      return time.compareTo(other).orElseThrow(() -> incomparable(left, right)) < 0;
    }
    throw isKnown(left) && isKnown(right) ? incomparable(left, right) : unknown(left, right);
  }

  private boolean isLess(List<Object> left, List<Object> right) {
    enter();
    Iterator<Object> others = right.iterator();
    for (Object item : left) {
      if (!others.hasNext()) {
        depth--;
        return false;
      }
      Object other = others.next();
      if (!isEqual(item, other)) {
        boolean less = isLess(item, other);
        depth--;
        return less;
      }
    }
    depth--;
    return others.hasNext();
  }

  private boolean isEqual(Object a, Object b) {
    charge(a, b);
    Object left = plain(a);
    Object right = plain(b);
    if (left instanceof PyPersistent || right instanceof PyPersistent) {
      return isSameReference(left, right);
    }
    if (isNumber(left) && isNumber(right)) {
      return compareNumbers(left, right) == Order.EQUAL;
    }
    if (left instanceof byte[] bytes && right instanceof byte[] other) {
      return Arrays.equals(bytes, other);
    }
    if (left instanceof PyTuple tuple && right instanceof PyTuple other) {
      return isEqual(tuple.items(), other.items());
    }
    if (left instanceof PyList list && right instanceof PyList other) {
      return isEqual(list.items(), other.items());
    }
    if (isSet(left) && isSet(right)) {
      return isSubset(left, right) && isSubset(right, left);
    }
    if (left instanceof PythonTime time && right instanceof PythonTime other) {
      return time.compareTo(other).orElse(1) == 0;
    }
    if (left instanceof PyGlobal && left.equals(right)) {
      return true;
    }
    if ((left instanceof PyDict && right instanceof PyDict) || !isKnown(left) || !isKnown(right)) {
      throw unknown(left, right);
    }
    return left.equals(right);
  }

  private boolean isEqual(List<Object> left, List<Object> right) {
    if (left.size() != right.size()) {
      return false;
    }
    enter();
    for (int i = 0; i < left.size(); i++) {
      if (!isEqual(left.get(i), right.get(i))) {
        depth--;
        return false;
      }
    }
    depth--;
    return true;
  }

  private static boolean isSet(Object value) {
    return value instanceof PySet || value instanceof PyFrozenSet;
  }

  private static List<Object> itemsOf(Object set) {
    return set instanceof PySet changeable ? changeable.items() : ((PyFrozenSet) set).items();
  }

  private boolean isSubset(Object left, Object right) {
    List<Object> all = itemsOf(right);
    itemsOf(left).forEach(this::checkHash);
    all.forEach(this::checkHash);
    return itemsOf(left).stream()
        .allMatch(item -> all.stream().anyMatch(other -> isEqual(item, other)));
  }

  /** Python looks at hashes first, which only the application knows of its own values. */
  private void checkHash(Object item) {
    if (item instanceof PyTuple tuple) {
      enter();
      tuple.items().forEach(this::checkHash);
      depth--;
      return;
    }
    charge(item, item);
    if (item != PyNone.NONE
        && !isNumber(item)
        && !(item instanceof String)
        && !(item instanceof byte[])) {
      throw new UnknownException("a set with " + Py.describe(item));
    }
  }

  private void charge(Object left, Object right) {
    charge(COMPARISON + Math.min(length(left), length(right)));
  }

  private void charge(int steps) {
    work += steps;
    if (work > MAX_WORK) {
      throw new UnknownException("values that take too long to compare");
    }
  }

  private static int length(Object value) {
    return switch (value) {
      case String text -> text.length();
      case byte[] bytes -> bytes.length;
      case PyStr8 str -> str.bytes().length;
      case BigInteger number -> number.bitLength() / Byte.SIZE;
      case PyGlobal global -> global.module().length() + global.name().length();
      default -> 0;
    };
  }

  private void enter() {
    if (++depth > MAX_DEPTH) {
      throw new UnknownException("values that nest deeper than " + MAX_DEPTH);
    }
  }

  /** A Python 2 str is text to Python 3, if it is ASCII; dates and times are calls. */
  private static Object plain(Object value) {
    if (value instanceof PyStr8 str) {
      String text = new String(str.bytes(), StandardCharsets.US_ASCII);
      if (text.indexOf('\ufffd') >= 0) {
        throw new RefusedException("a Python 2 str that is not ASCII");
      }
      return text;
    }
    Optional<PythonTime> time = PythonTime.of(value);
    return time.isPresent() ? time.get() : value;
  }

  /** Whether what Python makes of a comparison with one of the others is known. */
  private static boolean isKnown(Object value) {
    return value == PyNone.NONE
        || isNumber(value)
        || value instanceof String
        || value instanceof byte[]
        || value instanceof PyTuple
        || value instanceof PyList
        || value instanceof PyDict
        || isSet(value)
        || value instanceof PythonTime;
  }

  private static RefusedException incomparable(Object left, Object right) {
    return new RefusedException(
        "%s and %s can't be compared".formatted(describe(left), describe(right)));
  }

  private static UnknownException unknown(Object left, Object right) {
    return new UnknownException(
        "only the application can compare %s and %s".formatted(describe(left), describe(right)));
  }

  private static String describe(Object value) {
    return value instanceof PythonTime time ? time.toString() : Py.describe(value);
  }

  private static boolean isSameReference(Object left, Object right) {
    if (left instanceof PyPersistent a
        && right instanceof PyPersistent b
        && Reference.of(a).isSame(Reference.of(b))) {
      return true;
    }
    if (isKnown(left) || left instanceof PyPersistent) {
      throw new RefusedException("references to persistent objects can't be compared");
    }
    throw unknown(left, right);
  }

  private static boolean isNumber(Object value) {
    return value instanceof Long
        || value instanceof Boolean
        || value instanceof Double
        || value instanceof BigInteger;
  }

  private enum Order {
    LESS,
    EQUAL,
    GREATER,
    /** One is not a number. */
    NONE
  }

  private static Order order(int sign) {
    return sign < 0 ? Order.LESS : sign == 0 ? Order.EQUAL : Order.GREATER;
  }

  /** Python compares integers and floats by their exact values. */
  private Order compareNumbers(Object left, Object right) {
    if (left instanceof Double a && right instanceof Double b) {
      return a < b
          ? Order.LESS
          : a > b ? Order.GREATER : a == (double) b ? Order.EQUAL : Order.NONE;
    }
    if (left instanceof Double a) {
      return withWhole(a, big(right));
    }
    if (right instanceof Double b) {
      return switch (withWhole(b, big(left))) {
        case LESS -> Order.GREATER;
        case GREATER -> Order.LESS;
        case EQUAL -> Order.EQUAL;
        case NONE -> Order.NONE;
      };
    }
    if (left instanceof Long a && right instanceof Long b) {
      return order(Long.compare(a, b));
    }
    return order(big(left).compareTo(big(right)));
  }

  private Order withWhole(double left, BigInteger right) {
    if (Double.isNaN(left)) {
      return Order.NONE;
    }
    if (Double.isInfinite(left)) {
      return left > 0 ? Order.GREATER : Order.LESS;
    }
    if (right.bitLength() > FLOAT_BITS) {
      return right.signum() > 0 ? Order.LESS : Order.GREATER;
    }
    if (right.bitLength() <= EXACT_BITS) {
      return order(Double.compare(left + 0.0, right.doubleValue()));
    }
    charge(LONG_COMPARISON);
    return order(new BigDecimal(left).compareTo(new BigDecimal(right)));
  }

  private static BigInteger big(Object number) {
    return switch (number) {
      case BigInteger big -> big;
      case Boolean bool -> bool ? BigInteger.ONE : BigInteger.ZERO;
      case Long whole -> BigInteger.valueOf(whole);
      default -> throw new IllegalArgumentException("no integer: " + number);
    };
  }

  /** By code points, as Python does; Java's own order is that of UTF-16. */
  private static int compareText(String left, String right) {
    int length = Math.min(left.length(), right.length());
    for (int i = 0; i < length; i++) {
      if (left.charAt(i) != right.charAt(i)) {
        boolean inPair = i > 0 && Character.isHighSurrogate(left.charAt(i - 1));
        int start = inPair ? i - 1 : i;
        int whole = Integer.compare(left.codePointAt(start), right.codePointAt(start));
        return whole != 0 ? whole : Integer.compare(left.codePointAt(i), right.codePointAt(i));
      }
    }
    return Integer.compare(left.length(), right.length());
  }
}
