package dev.zrs.storage;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentSkipListMap;
import org.jspecify.annotations.Nullable;

/**
 * Where each object's current data record stands.
 *
 * <p>Oids are handed out in order, so nearly all lie close together: they live in pages of {@value
 * #PAGE_SIZE} positions, 8 bytes an object, reached through one directory array. A client may
 * choose any oid, though; one that would make the directory or the pages grow out of proportion to
 * the number of objects goes into an ordered map instead (about 100 bytes an object, the worst
 * case).
 *
 * <p>Any thread may read, without a lock; one thread at a time may write (the storage sees to it).
 * A reader sees a position only when all that was written before it was put is visible to it.
 */
final class ObjectIndex {
  /** What a page holds. */
  static final int PAGE_SIZE = 1 << 10;

  private static final int PAGE_BITS = 10;

  /** The directory begins with this many entries. */
  private static final int LEAST_DIRECTORY = 16;

  /** The directory may always have this many entries: oids below about a billion. */
  private static final long FREE_DIRECTORY = 1L << 20;

  /** A position costs 8 bytes, so that an object costs no more in a page than in the map. */
  private static final int MAX_POSITIONS_PER_OBJECT = 12;

  /** Pages that are always allowed, however few objects there are. */
  private static final int FREE_PAGES = 1024;

  private static final VarHandle PAGES = MethodHandles.arrayElementVarHandle(long[][].class);
  private static final VarHandle POSITIONS = MethodHandles.arrayElementVarHandle(long[].class);

  private volatile long[] @Nullable [] directory = new long[LEAST_DIRECTORY] @Nullable [];
  private final ConcurrentSkipListMap<Long, Long> sparse =
      new ConcurrentSkipListMap<>(Long::compareUnsigned);
  private int pageCount;
  private volatile long size;
  private volatile long maxOid;

  /** Position of the object's current record; 0 if it has none. */
  long get(long oid) {
    long[] page = page(oid);
    if (page != null) {
      long position = (long) POSITIONS.getAcquire(page, slot(oid));
      if (position != 0) {
        return position;
      }
    }
    if (sparse.isEmpty()) {
      return 0;
    }
    Long position = sparse.get(oid);
    return position == null ? 0 : position;
  }

  /** Sets the position, which must not be 0. */
  void put(long oid, long position) {
    assert position > 0;
    long[] page = page(oid);
    if (page != null && (long) POSITIONS.get(page, slot(oid)) != 0) {
      POSITIONS.setRelease(page, slot(oid), position);
      return;
    }
    if (!sparse.isEmpty() && sparse.replace(oid, position) != null) {
      return;
    }
    if (page == null) {
      page = newPage(oid);
    }
    if (page == null) {
      sparse.put(oid, position);
    } else {
      POSITIONS.setRelease(page, slot(oid), position);
    }
    added(oid);
  }

  /** Forgets an object; harmless if there is none. {@link #maxOid} stays. */
  @SuppressWarnings("NonAtomicVolatileUpdate") // one writer at a time
  void remove(long oid) {
    long[] page = page(oid);
    if (page != null && (long) POSITIONS.get(page, slot(oid)) != 0) {
      POSITIONS.setRelease(page, slot(oid), 0L);
      size--;
    } else if (sparse.remove(oid) != null) {
      size--;
    }
  }

  /**
   * Adds bits to the entry of an object, which must be there. Several threads may do this at a
   * time, as long as nobody puts or removes.
   *
   * @return the entry as it was before
   */
  long setBits(long oid, long bits) {
    long[] page = page(oid);
    if (page != null && (long) POSITIONS.getAcquire(page, slot(oid)) != 0) {
      return (long) POSITIONS.getAndBitwiseOr(page, slot(oid), bits);
    }
    Long entry = sparse.get(oid);
    while (entry != null && !sparse.replace(oid, entry, entry | bits)) {
      entry = sparse.get(oid);
    }
    return Objects.requireNonNull(entry, "no such object");
  }

  @SuppressWarnings("NonAtomicVolatileUpdate") // one writer at a time
  private void added(long oid) {
    if (size == 0 || Long.compareUnsigned(oid, maxOid) > 0) {
      maxOid = oid;
    }
    size++;
  }

  /**
   * Moves what is dense from the map to pages, after much was put in any order. Not while others
   * read.
   */
  void compact() {
    long[] group = new long[PAGE_SIZE];
    int count = 0;
    for (long oid : sparse.keySet()) {
      if (count > 0 && oid >>> PAGE_BITS != group[0] >>> PAGE_BITS) {
        moveIfDense(group, count);
        count = 0;
      }
      group[count++] = oid;
    }
    if (count > 0) {
      moveIfDense(group, count);
    }
  }

  private void moveIfDense(long[] oids, int count) {
    long[] page = page(oids[0]);
    if (page == null && isDense(count)) {
      page = pageFor(oids[0] >>> PAGE_BITS);
    }
    for (int i = 0; page != null && i < count; i++) {
      Long position = sparse.remove(oids[i]);
      page[slot(oids[i])] = position == null ? 0 : position;
    }
  }

  /**
   * Gives each object the entry that {@code change} says, or takes it out where that is 0; pages
   * that are nearly empty, or far from the others, then give way to the map. Not while others read
   * or write.
   */
  void replaceAll(Change change) {
    size = 0;
    maxOid = 0;
    for (Map.Entry<Long, Long> each : sparse.entrySet()) {
      long entry = change.entry(each.getKey(), each.getValue());
      if (entry == 0) {
        sparse.remove(each.getKey());
      } else {
        sparse.put(each.getKey(), entry);
        added(each.getKey());
      }
    }
    for (int number = 0; number < directory.length; number++) {
      long[] page = directory[number];
      if (page != null) {
        int count = replaceIn(page, (long) number << PAGE_BITS, change);
        if (count == 0 || (pageCount > FREE_PAGES && !isDense(count))) {
          moveToMap(number, page);
        }
      }
    }
    shrinkDirectory();
  }

  private int replaceIn(long[] page, long first, Change change) {
    int count = 0;
    for (int slot = 0; slot < PAGE_SIZE; slot++) {
      if (page[slot] != 0) {
        page[slot] = change.entry(first | slot, page[slot]);
        if (page[slot] != 0) {
          added(first | slot);
          count++;
        }
      }
    }
    return count;
  }

  private void moveToMap(int number, long[] page) {
    for (int slot = 0; slot < PAGE_SIZE; slot++) {
      if (page[slot] != 0) {
        sparse.put((long) number << PAGE_BITS | slot, page[slot]);
      }
    }
    directory[number] = null;
    pageCount--;
  }

  private void shrinkDirectory() {
    int length = LEAST_DIRECTORY;
    for (int number = 0; number < directory.length; number++) {
      long[] page = directory[number];
      if (page != null && number >= mostPages()) {
        moveToMap(number, page);
      } else if (page != null) {
        length = Math.max(length, number + 1);
      }
    }
    directory = Arrays.copyOf(directory, length);
  }

  private static boolean isDense(int count) {
    return count * MAX_POSITIONS_PER_OBJECT >= PAGE_SIZE;
  }

  /** How many objects are in the map, where one costs most. */
  int sparseSize() {
    return sparse.size();
  }

  /** How many objects there are. */
  long size() {
    return size;
  }

  /** The greatest oid; 0 if there is none. */
  long maxOid() {
    return maxOid;
  }

  /** The smallest oid that is not smaller than {@code oid}, unsigned. */
  OptionalLong ceiling(long oid) {
    Map.Entry<Long, Long> overflow = sparse.ceilingEntry(oid);
    long[] @Nullable [] pages = directory;
    long number = oid >>> PAGE_BITS;
    int slot = slot(oid);
    for (; number < pages.length; number++) {
      long[] page = (long[]) PAGES.getAcquire(pages, (int) number);
      for (; page != null && slot < PAGE_SIZE; slot++) {
        if ((long) POSITIONS.getAcquire(page, slot) != 0) {
          long found = number << PAGE_BITS | slot;
          return OptionalLong.of(
              overflow != null && Long.compareUnsigned(overflow.getKey(), found) < 0
                  ? overflow.getKey()
                  : found);
        }
      }
      slot = 0;
    }
    return overflow == null ? OptionalLong.empty() : OptionalLong.of(overflow.getKey());
  }

  /**
   * Calls {@code visitor} for each object, in unsigned order of oids. While others write, it may or
   * may not meet what they put.
   */
  <E extends Exception> void forEach(Visitor<E> visitor) throws E {
    var overflow = sparse.entrySet().iterator();
    Map.Entry<Long, Long> next = overflow.hasNext() ? overflow.next() : null;
    long[] @Nullable [] pages = directory;
    for (int number = 0; number < pages.length; number++) {
      long[] page = (long[]) PAGES.getAcquire(pages, number);
      if (page == null) {
        continue;
      }
      for (int slot = 0; slot < PAGE_SIZE; slot++) {
        long position = (long) POSITIONS.getAcquire(page, slot);
        if (position == 0) {
          continue;
        }
        long oid = (long) number << PAGE_BITS | slot;
        while (next != null && Long.compareUnsigned(next.getKey(), oid) < 0) {
          visitor.visit(next.getKey(), next.getValue());
          next = overflow.hasNext() ? overflow.next() : null;
        }
        visitor.visit(oid, position);
      }
    }
    while (next != null) {
      visitor.visit(next.getKey(), next.getValue());
      next = overflow.hasNext() ? overflow.next() : null;
    }
  }

  /** Says which entry an object has from now on. */
  @FunctionalInterface
  interface Change {
    long entry(long oid, long entry);
  }

  /** Is told of each object. */
  interface Visitor<E extends Exception> {
    void visit(long oid, long position) throws E;
  }

  private static int slot(long oid) {
    return (int) oid & PAGE_SIZE - 1;
  }

  private long @Nullable [] page(long oid) {
    long number = oid >>> PAGE_BITS;
    long[] @Nullable [] pages = directory;
    return number < pages.length ? (long[]) PAGES.getAcquire(pages, (int) number) : null;
  }

  private long @Nullable [] newPage(long oid) {
    boolean dense =
        pageCount < FREE_PAGES || (long) pageCount * PAGE_SIZE < size * MAX_POSITIONS_PER_OBJECT;
    return dense ? pageFor(oid >>> PAGE_BITS) : null;
  }

  /** How many entries the directory may have. */
  private long mostPages() {
    return Math.max(FREE_DIRECTORY, (long) pageCount * PAGE_SIZE);
  }

  private long @Nullable [] pageFor(long number) {
    if (number >= mostPages()) {
      return null;
    }
    long[] @Nullable [] pages = directory;
    if (number >= pages.length) {
      long length = Math.max(number + 1, Math.min(2L * pages.length, FREE_DIRECTORY));
      pages = Arrays.copyOf(pages, (int) Math.min(length, Integer.MAX_VALUE - 8));
      directory = pages;
    }
    long[] page = new long[PAGE_SIZE];
    PAGES.setRelease(pages, (int) number, page);
    pageCount++;
    return page;
  }
}
