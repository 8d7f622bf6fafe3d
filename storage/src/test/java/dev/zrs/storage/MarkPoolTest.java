package dev.zrs.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
final class MarkPoolTest {
  /** A tree in which each object refers to {@code width} others, up to a number. */
  private static MarkPool.Follower tree(int width, int objects, AtomicIntegerArray times) {
    return (oid, reached) -> {
      times.incrementAndGet((int) oid);
      for (long child = oid * width + 1; child <= oid * width + width && child < objects; child++) {
        reached.accept(child);
      }
    };
  }

  private static void quietly() {}

  @Test
  void all_that_can_be_reached_is_followed_once_whatever_the_shape() {
    for (int width : new int[] {1, 2, 100, 1500}) {
      int objects = 40_000;
      AtomicIntegerArray times = new AtomicIntegerArray(objects);
      try (MarkPool pool = new MarkPool("test", 3, () -> tree(width, objects, times))) {
        pool.give(new long[] {0}, 1);
        pool.await(MarkPoolTest::quietly);
        assertThat(pool.hasLost()).isFalse();
      }
      for (int i = 0; i < objects; i++) {
        assertThat(times.get(i)).as("%s of width %s", i, width).isEqualTo(1);
      }
    }
  }

  @Test
  void what_there_is_no_room_for_is_told() {
    int objects = 2_000_000;
    AtomicIntegerArray times = new AtomicIntegerArray(objects);
    try (MarkPool pool = new MarkPool("test", 2, () -> tree(objects, objects, times))) {
      pool.give(new long[] {0}, 1);
      pool.await(MarkPoolTest::quietly);
      assertThat(pool.hasLost()).isTrue();
      assertThat(pool.hasLost()).isFalse();
      // Its owner finds them again, and gives them anew.
      long[] lost = LongStream.range(1, objects).filter(i -> times.get((int) i) == 0).toArray();
      assertThat(lost.length).isBetween(1, objects - 2);
      for (int from = 0; from < lost.length; from += MarkPool.BATCH) {
        int count = Math.min(MarkPool.BATCH, lost.length - from);
        pool.give(Arrays.copyOfRange(lost, from, from + count), count);
      }
      pool.await(MarkPoolTest::quietly);
      assertThat(pool.hasLost()).isFalse();
    }
    for (int i = 0; i < objects; i++) {
      assertThat(times.get(i)).isEqualTo(1);
    }
  }

  @Test
  void threads_that_have_nothing_get_of_those_that_have_much() throws InterruptedException {
    Set<Thread> threads = ConcurrentHashMap.newKeySet();
    CountDownLatch all = new CountDownLatch(3);
    try (MarkPool pool =
        new MarkPool(
            "test",
            3,
            () ->
                (oid, reached) -> {
                  if (threads.add(Thread.currentThread())) {
                    all.countDown();
                  }
                  if (oid == 0) {
                    LongStream.range(1, 1000).forEach(reached);
                  } else {
                    awaitShortly(all);
                  }
                })) {
      pool.give(new long[] {0}, 1);
      pool.await(MarkPoolTest::quietly);
    }
    assertThat(all.getCount()).isZero();
    for (Thread thread : threads) {
      assertThat(thread.isAlive()).isFalse();
    }
  }

  /** A thread that has much does not wait for the others: it gives between two objects. */
  private static void awaitShortly(CountDownLatch latch) {
    try {
      if (latch.await(20, TimeUnit.MILLISECONDS)) {
        assertThat(latch.getCount()).isZero();
      }
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private static void awaitAll(CountDownLatch latch) {
    try {
      assertThat(latch.await(60, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void the_failure_of_a_thread_is_the_owners_and_ends_all() {
    for (RuntimeException failure :
        new RuntimeException[] {new StorageException("bad record"), new IllegalStateException()}) {
      AtomicInteger followed = new AtomicInteger();
      MarkPool.Follower endless =
          (oid, reached) -> {
            reached.accept(oid + 1);
            if (followed.incrementAndGet() == 5000) {
              throw failure;
            }
          };
      try (MarkPool pool = new MarkPool("test", 3, () -> endless)) {
        pool.give(new long[] {0, 1 << 20, 2 << 20}, 3);
        assertThatThrownBy(() -> pool.await(MarkPoolTest::quietly)).isSameAs(failure);
        assertThatThrownBy(() -> pool.give(new long[] {1}, 1)).isSameAs(failure);
        assertThatThrownBy(() -> pool.offer(new long[] {1}, 1)).isSameAs(failure);
        assertThatThrownBy(pool::check).isSameAs(failure);
      }
    }
  }

  @Test
  void if_a_thread_does_not_start_those_end_that_did() {
    OutOfMemoryError none = new OutOfMemoryError("no more threads");
    AtomicInteger made = new AtomicInteger();
    assertThatThrownBy(
            () ->
                new MarkPool(
                    "half started",
                    3,
                    () -> {
                      if (made.incrementAndGet() == 3) {
                        throw none;
                      }
                      return tree(1, 1, new AtomicIntegerArray(1));
                    }))
        .isSameAs(none);
    assertThat(Thread.getAllStackTraces().keySet())
        .noneMatch(thread -> thread.getName().endsWith("half started"));
  }

  @Test
  void what_is_offered_waits_for_no_room() {
    int objects = 200 * MarkPool.BATCH;
    AtomicIntegerArray times = new AtomicIntegerArray(objects);
    CountDownLatch offered = new CountDownLatch(1);
    MarkPool.Follower follower = tree(1, 0, times);
    try (MarkPool pool =
        new MarkPool(
            "test",
            1,
            () ->
                (oid, reached) -> {
                  awaitAll(offered);
                  follower.follow(oid, reached);
                })) {
      for (int from = 0; from < objects; from += MarkPool.BATCH) {
        pool.offer(LongStream.range(from, from + MarkPool.BATCH).toArray(), MarkPool.BATCH);
      }
      offered.countDown();
      pool.await(MarkPoolTest::quietly);
      assertThat(pool.hasLost()).isTrue();
    }
    assertThat(times.get(0)).isEqualTo(1);
    assertThat(times.get(objects - 1)).isZero();
  }

  @Test
  void closing_ends_threads_that_would_go_on() {
    CountDownLatch begun = new CountDownLatch(2);
    MarkPool.Follower endless =
        (oid, reached) -> {
          begun.countDown();
          reached.accept(oid + 1);
        };
    MarkPool pool = new MarkPool("test", 2, () -> endless);
    pool.give(new long[] {0}, 1);
    pool.give(new long[] {1}, 1);
    awaitAll(begun);
    pool.close();
    pool.close();
  }
}
