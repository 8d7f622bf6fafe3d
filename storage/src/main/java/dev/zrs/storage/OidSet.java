package dev.zrs.storage;

import java.util.HashMap;
import java.util.Map;

/**
 * A set of oids that mostly lie close together: some three bits for each where they do, and about
 * 100 bytes for one that has no other near it. For one thread.
 */
final class OidSet {
  private static final int PAGE_BITS = 8;
  private static final int WORDS = (1 << PAGE_BITS) / Long.SIZE;

  private final Map<Long, long[]> pages = new HashMap<>();

  void add(long oid) {
    pages.computeIfAbsent(oid >>> PAGE_BITS, number -> new long[WORDS])[word(oid)] |= 1L << oid;
  }

  boolean contains(long oid) {
    long[] page = pages.get(oid >>> PAGE_BITS);
    return page != null && (page[word(oid)] & 1L << oid) != 0;
  }

  private static int word(long oid) {
    return (int) (oid >>> 6) & WORDS - 1;
  }
}
