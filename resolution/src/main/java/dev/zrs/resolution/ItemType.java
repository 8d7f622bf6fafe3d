package dev.zrs.resolution;

import dev.zrs.pickle.Py;
import java.math.BigInteger;
import java.util.Arrays;

/** What the keys or the values of a family of BTrees are: what they take, and their order. */
sealed interface ItemType {
  /**
   * A value of a pickle as the tree keeps it.
   *
   * @throws RefusedException if the tree does not take it
   */
  Object taken(Object value);

  /**
   * Compares two values that were taken; only the sign counts.
   *
   * @throws RefusedException if Python can't compare them
   * @throws UnknownException if only the application's code can
   */
  int compare(Object left, Object right);

  /** Any Python object. */
  record Anything(PythonOrder order) implements ItemType {
    @Override
    public Object taken(Object value) {
      return value;
    }

    @Override
    public int compare(Object left, Object right) {
      return order.compare(left, right);
    }
  }

  /** A C integer. */
  record Whole(int bits, boolean signed) implements ItemType {
    @Override
    public Object taken(Object value) {
      boolean fits =
          switch (value) {
            case Boolean bool -> true;
            case Long number -> fits(number);
            case BigInteger number -> !signed && number.signum() > 0 && number.bitLength() <= bits;
            default -> throw new RefusedException("no integer but " + Py.describe(value));
          };
      if (!fits) {
        throw new RefusedException(
            "%s is no %s integer of %d bits"
                .formatted(Py.describe(value), signed ? "signed" : "unsigned", bits));
      }
      return value instanceof Boolean bool ? (Object) (bool ? 1L : 0L) : value;
    }

    private boolean fits(long number) {
      if (bits == Long.SIZE) {
        return signed || number >= 0;
      }
      return signed ? number == (int) number : number >>> bits == 0;
    }

    @Override
    public int compare(Object left, Object right) {
      return left instanceof Long a && right instanceof Long b
          ? Long.compare(a, b)
          : big(left).compareTo(big(right));
    }

    private static BigInteger big(Object number) {
      return number instanceof BigInteger big ? big : BigInteger.valueOf((Long) number);
    }
  }

  /** A C float, of 32 bits; in a pickle it has 64. */
  record Floating() implements ItemType {
    @Override
    public Object taken(Object value) {
      return switch (value) {
        case Double number -> (double) (float) (double) number;
        case Long number -> (double) (float) (long) number;
        case Boolean bool -> bool ? 1.0 : 0.0;
        default -> throw new RefusedException("no number but " + Py.describe(value));
      };
    }

    /** Two that are not comparable count as equal, as in C. */
    @Override
    public int compare(Object left, Object right) {
      double a = (Double) left;
      double b = (Double) right;
      return a < b ? -1 : a > b ? 1 : 0;
    }
  }

  /** Bytes of one length. */
  record Fixed(int length) implements ItemType {
    @Override
    public Object taken(Object value) {
      if (value instanceof byte[] bytes && bytes.length == length) {
        return bytes;
      }
      throw new RefusedException("not %d bytes but %s".formatted(length, Py.describe(value)));
    }

    @Override
    public int compare(Object left, Object right) {
      return Arrays.compareUnsigned((byte[]) left, (byte[]) right);
    }
  }
}
