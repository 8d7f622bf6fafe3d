package dev.zrs.resolution;

import java.util.ArrayList;
import java.util.List;

/**
 * Merges two changes of one bucket, as BTrees does: it walks along the three states in the order of
 * their keys. Each may insert keys of its own, and change and delete what the other leaves alone.
 * What would empty the bucket, or take its first key away, is refused, since the tree above it
 * would have to know (source: BTrees, MergeTemplate.c). For one merge.
 */
final class BucketMerge {
  private final ItemType keyType;
  private final ItemType valueType;
  private final boolean hasValues;
  private final BucketState old;
  private final Walk before;
  private final Walk committed;
  private final Walk changed;
  private final List<Object> keys = new ArrayList<>();
  private final List<Object> values = new ArrayList<>();

  private BucketMerge(
      BTreeClass type,
      PythonOrder order,
      BucketState old,
      BucketState committed,
      BucketState changed) {
    this.keyType = type.keyType(order);
    this.valueType = type.valueType(order);
    this.hasValues = type.kind().hasValues();
    this.old = old;
    this.before = new Walk(old);
    this.committed = new Walk(committed);
    this.changed = new Walk(changed);
  }

  /**
   * The merged state.
   *
   * @param old what both changes are based on
   * @param committed the change that came first
   * @param changed the other one
   */
  static BucketState merge(
      BTreeClass type,
      PythonOrder order,
      BucketState old,
      BucketState committed,
      BucketState changed) {
    if (!isSameNext(old, committed) || !isSameNext(old, changed)) {
      throw new RefusedException(MergeError.SPLIT);
    }
    if (committed.size() == 0 || changed.size() == 0) {
      throw new RefusedException(MergeError.EMPTIED);
    }
    return new BucketMerge(type, order, old, committed, changed).merged();
  }

  private static boolean isSameNext(BucketState left, BucketState right) {
    return left.next().isPresent() == right.next().isPresent()
        && (left.next().isEmpty()
            || Reference.of(left.next().get()).equals(Reference.of(right.next().get())));
  }

  private BucketState merged() {
    while (before.isAt() && committed.isAt() && changed.isAt()) {
      step();
    }
    while (committed.isAt() && changed.isAt()) {
      insertLower(MergeError.INSERTED_TWICE_AT_END);
    }
    deleteRest(committed, MergeError.REST_DELETED_BY_SECOND);
    deleteRest(changed, MergeError.REST_DELETED_BY_FIRST);
    if (before.isAt()) {
      throw new RefusedException(MergeError.REST_DELETED_BY_BOTH);
    }
    while (committed.isAt()) {
      take(committed);
    }
    while (changed.isAt()) {
      take(changed);
    }
    if (keys.isEmpty()) {
      throw new RefusedException(MergeError.NOTHING_LEFT);
    }
    return new BucketState(keys, values, old.next());
  }

  /** All three have keys left. */
  private void step() {
    int toCommitted = keyType.compare(before.key(), committed.key());
    int toChanged = keyType.compare(before.key(), changed.key());
    if (toCommitted == 0 && toChanged == 0) {
      keep();
    } else if (toCommitted == 0) {
      insertedOrDeleted(toChanged, changed, committed, MergeError.DELETED_AND_CHANGED);
    } else if (toChanged == 0) {
      insertedOrDeleted(toCommitted, committed, changed, MergeError.CHANGED_AND_DELETED);
    } else {
      bothDiffer(toCommitted, toChanged);
    }
  }

  /** A key that all three have. */
  private void keep() {
    if (isSameValue(committed)) {
      take(changed);
      committed.next();
    } else if (isSameValue(changed)) {
      take(committed);
      changed.next();
    } else {
      throw new RefusedException(MergeError.VALUE_CHANGED_TWICE);
    }
    before.next();
  }

  /** A key that one of the changes does not have, or has before it another one. */
  private void insertedOrDeleted(int toOne, Walk one, Walk other, MergeError changedValue) {
    if (toOne > 0) {
      take(one);
      return;
    }
    if (!isSameValue(other)) {
      throw new RefusedException(changedValue);
    }
    if (one.isAtFirst()) {
      throw new RefusedException(MergeError.FIRST_KEY_DELETED);
    }
    before.next();
    other.next();
  }

  private void bothDiffer(int toCommitted, int toChanged) {
    int between = keyType.compare(committed.key(), changed.key());
    if (between == 0) {
      throw new RefusedException(MergeError.INSERTED_TWICE_OR_DELETED);
    }
    if (toCommitted > 0) {
      take(between > 0 ? changed : committed);
    } else if (toChanged > 0) {
      take(changed);
    } else {
      throw new RefusedException(MergeError.DELETED_TWICE);
    }
  }

  private void insertLower(MergeError same) {
    int order = keyType.compare(committed.key(), changed.key());
    if (order == 0) {
      throw new RefusedException(same);
    }
    take(order > 0 ? changed : committed);
  }

  /** The other change is at its end: what is left of the old keys it has deleted. */
  private void deleteRest(Walk one, MergeError reason) {
    while (before.isAt() && one.isAt()) {
      int order = keyType.compare(before.key(), one.key());
      if (order > 0) {
        take(one);
      } else if (order == 0 && isSameValue(one)) {
        before.next();
        one.next();
      } else {
        throw new RefusedException(reason);
      }
    }
  }

  private boolean isSameValue(Walk walk) {
    return !hasValues || valueType.compare(before.value(), walk.value()) == 0;
  }

  private void take(Walk from) {
    keys.add(from.key());
    if (hasValues) {
      values.add(from.value());
    }
    from.next();
  }

  /** A place in one of the states. */
  private static final class Walk {
    private final BucketState state;
    private int position;

    Walk(BucketState state) {
      this.state = state;
    }

    boolean isAt() {
      return position < state.size();
    }

    boolean isAtFirst() {
      return position == 0;
    }

    Object key() {
      return state.keys().get(position);
    }

    Object value() {
      return state.values().get(position);
    }

    void next() {
      position++;
    }
  }
}
