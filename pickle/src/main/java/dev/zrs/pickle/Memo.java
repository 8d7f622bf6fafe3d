package dev.zrs.pickle;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The values that a pickle remembers by number. Picklers number densely; a number far beyond the
 * count of values goes to a map, so that a large number in a small pickle costs no large array.
 */
final class Memo {
  private static final int SLACK = 64;

  private @Nullable Object[] dense = new @Nullable Object[16];
  private final Map<Long, Object> sparse = new HashMap<>();
  private int count;

  /** How many different numbers have been given; also the next number of opcode MEMOIZE. */
  int count() {
    return count;
  }

  void put(long index, Object value) {
    if (index > 2L * count + SLACK && index >= dense.length) {
      if (sparse.put(index, value) == null) {
        count++;
      }
      return;
    }
    int i = (int) index;
    if (i >= dense.length) {
      dense = Arrays.copyOf(dense, Math.max(i + 1, dense.length * 2));
    }
    // The number can have come early, while it was still far beyond the count.
    boolean wasSparse = !sparse.isEmpty() && sparse.remove(index) != null;
    if (dense[i] == null && !wasSparse) {
      count++;
    }
    dense[i] = value;
  }

  @Nullable Object get(long index) {
    Object value = index < dense.length ? dense[(int) index] : null;
    return value == null && !sparse.isEmpty() ? sparse.get(index) : value;
  }
}
