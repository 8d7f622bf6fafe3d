package dev.zrs.pickle;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/** A Python tuple. Compared by identity, as it may contain itself through a list. */
public final class PyTuple {
  /** The empty tuple, which Python shares too. */
  public static final PyTuple EMPTY = new PyTuple(new Object[0]);

  private final Object[] items;

  PyTuple(Object[] items) {
    this.items = items;
  }

  /** A tuple of these values. */
  public static PyTuple of(Object... items) {
    return items.length == 0 ? EMPTY : new PyTuple(items.clone());
  }

  /** The values; the view can't be changed. */
  public List<Object> items() {
    return Collections.unmodifiableList(Arrays.asList(items));
  }

  /**
   * The value at an index.
   *
   * @throws PickleException if there is none
   */
  public Object get(int index) {
    if (index < 0 || index >= items.length) {
      throw new PickleException("no item " + index + " in a tuple of " + items.length);
    }
    return items[index];
  }

  /** How many values. */
  public int size() {
    return items.length;
  }

  @Override
  public String toString() {
    return Py.describe(this);
  }
}
