package dev.zrs.pickle;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A Python dict: ordered pairs. Keys can be anything, also what Java can't hash by value; so a
 * lookup is a scan, meant for the small dicts of protocols and object states. Compared by identity,
 * as it may contain itself.
 */
public final class PyDict {
  /** One pair. */
  public record Entry(Object key, Object value) {}

  // Zero, not the default of ten: many small dicts must stay in proportion to their pickle.
  private final ArrayList<Entry> entries = new ArrayList<>(0);

  /** A dict of keys and values in turn; of a key that is there twice the last value counts. */
  public static PyDict ofPairs(Object... keysAndValues) {
    if (keysAndValues.length % 2 != 0) {
      throw new IllegalArgumentException("a key without a value");
    }
    PyDict dict = new PyDict();
    dict.addAll(keysAndValues, 0, keysAndValues.length);
    return dict;
  }

  /** The pairs in order. If a pickle had a key twice it is here twice, and the last one counts. */
  public List<Entry> entries() {
    return Collections.unmodifiableList(entries);
  }

  /** The value of a text key, also of a Python 2 str with the same bytes; null if there is none. */
  public @Nullable Object get(String key) {
    int index = indexOf(key);
    return index < 0 ? null : entries.get(index).value();
  }

  /**
   * Sets the value of a key. The new value takes the place of the old one if the keys are equal in
   * Java (and for text as {@link #get} compares), otherwise the pair comes last.
   */
  public void put(Object key, Object value) {
    int index = indexOf(key);
    if (index < 0) {
      add(key, value);
    } else {
      entries.set(index, new Entry(entries.get(index).key(), value));
    }
  }

  /** How many pairs. */
  public int size() {
    return entries.size();
  }

  /** Adds a pair without looking for its key. */
  void add(Object key, Object value) {
    entries.add(new Entry(key, value));
  }

  void addAll(Object[] values, int from, int to) {
    entries.ensureCapacity(entries.size() + (to - from) / 2);
    for (int i = from; i < to; i += 2) {
      add(values[i], values[i + 1]);
    }
  }

  private int indexOf(Object key) {
    for (int i = entries.size() - 1; i >= 0; i--) {
      Object other = entries.get(i).key();
      if (other.equals(key) || (other instanceof PyStr8 && other.toString().equals(key))) {
        return i;
      }
    }
    return -1;
  }

  @Override
  public String toString() {
    return Py.describe(this);
  }
}
