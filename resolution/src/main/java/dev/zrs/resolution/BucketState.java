package dev.zrs.resolution;

import dev.zrs.pickle.Py;
import dev.zrs.pickle.PyNone;
import dev.zrs.pickle.PyPersistent;
import dev.zrs.pickle.PyTuple;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The state of a bucket: {@code ((key, value, key, value, ...), next)}, without values for a set,
 * and without the next bucket for the last one (source: BTrees, BucketTemplate.c).
 *
 * @param keys in their order
 * @param values one for each key; none for a set
 * @param next the reference to the bucket that follows
 */
record BucketState(List<Object> keys, List<Object> values, Optional<PyPersistent> next) {
  static final BucketState EMPTY = new BucketState(List.of(), List.of(), Optional.empty());

  /** Reads the state of a bucket; that of a tree, as {@link #onlyBucket} gives it. */
  static BucketState of(Object bucket, BTreeClass type, PythonOrder order) {
    if (bucket == PyNone.NONE) {
      return EMPTY;
    }
    if (!(bucket instanceof PyTuple parts) || parts.size() < 1 || parts.size() > 2) {
      throw malformed(bucket);
    }
    if (!(parts.get(0) instanceof PyTuple items)) {
      throw malformed(parts.get(0));
    }
    boolean hasValues = type.kind().hasValues();
    ItemType keyType = type.keyType(order);
    ItemType valueType = type.valueType(order);
    List<Object> keys = new ArrayList<>();
    List<Object> values = new ArrayList<>();
    int step = hasValues ? 2 : 1;
    for (int i = 0; i + step <= items.size(); i += step) {
      keys.add(keyType.taken(items.get(i)));
      if (hasValues) {
        values.add(valueType.taken(items.get(i + 1)));
      }
    }
    return new BucketState(keys, values, next(parts));
  }

  private static Optional<PyPersistent> next(PyTuple parts) {
    if (parts.size() == 1) {
      return Optional.empty();
    }
    if (parts.get(1) instanceof PyPersistent next) {
      return Optional.of(next);
    }
    throw malformed(parts.get(1));
  }

  /**
   * The state of the bucket. A tree of one bucket has that one's state in its own, {@code
   * ((state,),)}; of larger ones nothing can be merged.
   */
  static Object onlyBucket(Object state, BTreeClass type) {
    if (state == PyNone.NONE || !type.kind().isTree()) {
      return state;
    }
    if (state instanceof PyTuple outer && outer.size() == 2) {
      throw new RefusedException(MergeError.SEVERAL_BUCKETS);
    }
    if (state instanceof PyTuple outer
        && outer.size() == 1
        && outer.get(0) instanceof PyTuple inner
        && inner.size() == 1
        && inner.get(0) instanceof PyTuple bucket) {
      return bucket;
    }
    throw malformed(state);
  }

  private static RefusedException malformed(Object part) {
    return new RefusedException("the state of a bucket has " + Py.describe(part));
  }

  int size() {
    return keys.size();
  }

  /** The state as a pickle has it. */
  PyTuple toState(BTreeClass type) {
    Object[] items = new Object[keys.size() + values.size()];
    int at = 0;
    for (int i = 0; i < keys.size(); i++) {
      items[at++] = keys.get(i);
      if (!values.isEmpty()) {
        items[at++] = values.get(i);
      }
    }
    PyTuple all = PyTuple.of(items);
    PyTuple bucket = next.isPresent() ? PyTuple.of(all, next.get()) : PyTuple.of((Object) all);
    return type.kind().isTree() ? PyTuple.of((Object) PyTuple.of((Object) bucket)) : bucket;
  }
}
