package dev.zrs.resolution;

/**
 * Why two changes of a bucket are not merged; the number is the last one of a BTreesConflictError
 * (source: BTrees/Interfaces.py).
 */
enum MergeError {
  SPLIT(0, "a bucket was split or joined: the buckets that follow differ"),
  VALUE_CHANGED_TWICE(1, "both changes give one key different values"),
  DELETED_AND_CHANGED(2, "one change deletes a key whose value the other changes"),
  CHANGED_AND_DELETED(3, "one change gives a key a new value, and the other deletes it"),
  INSERTED_TWICE_OR_DELETED(4, "both changes insert the same key, or delete the same one"),
  DELETED_TWICE(5, "both changes delete the same key"),
  INSERTED_TWICE_AT_END(6, "both changes insert the same key at the end"),
  REST_DELETED_BY_SECOND(7, "one change deletes keys at the end that the other deletes or changes"),
  REST_DELETED_BY_FIRST(8, "one change deletes keys at the end that the other deletes or changes"),
  REST_DELETED_BY_BOTH(9, "both changes delete keys at the end"),
  NOTHING_LEFT(10, "no key would be left, and the tree has to be told"),
  SEVERAL_BUCKETS(11, "the tree has more than one bucket, and its inner nodes changed"),
  EMPTIED(12, "one change left the bucket empty"),
  FIRST_KEY_DELETED(13, "one change deletes the first key, and the tree has to be told");

  private final int number;
  private final String meaning;

  MergeError(int number, String meaning) {
    this.number = number;
    this.meaning = meaning;
  }

  int number() {
    return number;
  }

  @Override
  public String toString() {
    return "BTrees reason %d: %s".formatted(number, meaning);
  }
}
