package dev.zrs.pickle;

import java.util.ArrayList;
import java.util.List;

/**
 * A Python frozenset: its values in the order of the pickle, equal ones not merged. Compared by
 * identity.
 */
public final class PyFrozenSet {
  private final ArrayList<Object> items;

  /** An empty one. */
  public PyFrozenSet() {
    // Zero, not the default of ten: many small ones must stay in proportion to their pickle.
    items = new ArrayList<>(0);
  }

  /** One with a copy of these values. */
  public PyFrozenSet(List<?> values) {
    items = new ArrayList<>(values);
  }

  /** The values, in order; the list can be changed. */
  public List<Object> items() {
    return items;
  }

  /** How many values. */
  public int size() {
    return items.size();
  }

  void addAll(Object[] values, int from, int to) {
    items.ensureCapacity(items.size() + to - from);
    for (int i = from; i < to; i++) {
      items.add(values[i]);
    }
  }

  @Override
  public String toString() {
    return Py.describe(this);
  }
}
