package dev.zrs.storage;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class ObjectIndexTest {
  /** Oids of several shapes: dense from zero, dense in islands, and anywhere. */
  private static long oid(SplittableRandom random) {
    return switch (random.nextInt(4)) {
      case 0 -> random.nextInt(5_000);
      case 1 -> (1L << 40) + random.nextInt(3_000);
      case 2 -> random.nextLong() | Long.MIN_VALUE;
      default -> random.nextLong() >>> random.nextInt(64);
    };
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void is_a_sorted_map(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    ObjectIndex index = new ObjectIndex();
    NavigableMap<Long, Long> map = new TreeMap<>(Long::compareUnsigned);
    for (int i = 0; i < 60_000; i++) {
      long oid = oid(random);
      if (random.nextInt(5) == 0) {
        index.remove(oid);
        map.remove(oid);
      } else {
        long position = random.nextLong(1, 1L << 47);
        index.put(oid, position);
        map.put(oid, position);
      }
    }
    assertSame(index, map, random);
    index.compact();
    assertSame(index, map, random);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void is_the_same_map_when_all_was_replaced_and_much_taken_out(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    ObjectIndex index = new ObjectIndex();
    NavigableMap<Long, Long> map = new TreeMap<>(Long::compareUnsigned);
    for (int i = 0; i < 60_000; i++) {
      long oid = oid(random);
      index.put(oid, i + 4);
      map.put(oid, i + 4L);
    }
    int stays = 1 + random.nextInt(20);
    index.replaceAll((oid, entry) -> entry % stays == 0 ? entry + 5 : 0);
    map.values().removeIf(entry -> entry % stays != 0);
    map.replaceAll((oid, entry) -> entry + 5);
    assertSame(index, map, random);
    assertThat(index.maxOid()).isEqualTo(map.lastKey());
    for (int i = 0; i < 10_000; i++) {
      long oid = oid(random);
      index.put(oid, i + 4);
      map.put(oid, i + 4L);
    }
    index.compact();
    assertSame(index, map, random);
  }

  @Test
  void the_few_that_stay_of_many_cost_little() {
    ObjectIndex index = new ObjectIndex();
    long before = used();
    for (long oid = 0; oid < 4_000_000; oid++) {
      index.put(oid, oid + 4);
    }
    // So many objects allow a large directory.
    long far = 3_000_000L << 10;
    index.put(far, 7);
    assertThat(index.sparseSize()).isZero();
    index.replaceAll((oid, entry) -> oid % 1_000 == 0 ? entry : 0);
    assertThat(index.get(far)).isEqualTo(7);
    // The pages that are always allowed cost 8 MB.
    assertThat(used() - before).as("bytes").isLessThan(4_000 * 120L + (9 << 20));
    assertThat(index.size()).isEqualTo(4_001);
    assertThat(index.get(3_999_000)).isEqualTo(3_999_004);
    assertThat(index.get(3_999_001)).isZero();
  }

  private static void assertSame(
      ObjectIndex index, NavigableMap<Long, Long> map, SplittableRandom random) {
    assertThat(index.size()).isEqualTo(map.size());
    List<Map.Entry<Long, Long>> entries = new ArrayList<>();
    index.forEach((oid, position) -> entries.add(Map.entry(oid, position)));
    assertThat(entries).isEqualTo(new ArrayList<>(map.entrySet()));
    for (int i = 0; i < 20_000; i++) {
      long oid = oid(random);
      assertThat(index.get(oid)).isEqualTo(map.getOrDefault(oid, 0L));
      Long next = map.ceilingKey(oid);
      assertThat(index.ceiling(oid))
          .isEqualTo(next == null ? OptionalLong.empty() : OptionalLong.of(next));
    }
  }

  @Test
  void a_million_random_oids_cost_a_hundred_bytes_each_at_most() {
    SplittableRandom random = new SplittableRandom(7);
    ObjectIndex index = new ObjectIndex();
    long before = used();
    for (int i = 0; i < 1_000_000; i++) {
      index.put(random.nextLong(), i + 4);
    }
    long bytes = used() - before;
    assertThat(index.size()).isEqualTo(1_000_000);
    assertThat(bytes).as("bytes").isLessThan(120_000_000);
    random = new SplittableRandom(7);
    for (int i = 0; i < 1_000_000; i++) {
      assertThat(index.get(random.nextLong())).isEqualTo(i + 4);
    }
  }

  @Test
  void dense_oids_cost_nine_bytes_each_at_most() {
    ObjectIndex index = new ObjectIndex();
    long before = used();
    for (long oid = 0; oid < 2_000_000; oid++) {
      index.put(oid, oid * 300 + 4);
    }
    assertThat(used() - before).as("bytes").isLessThan(9 * 2_000_000L);
    assertThat(index.get(1_999_999)).isEqualTo(1_999_999L * 300 + 4);
  }

  @Test
  void dense_oids_in_any_order_cost_as_little_once_it_is_compact() {
    SplittableRandom random = new SplittableRandom(3);
    ObjectIndex index = new ObjectIndex();
    long before = used();
    // An odd factor goes through all of them.
    int count = 1 << 22;
    for (long i = 0; i < count; i++) {
      index.put(i * 0x9E3779B1L & count - 1, i + 4);
    }
    index.compact();
    assertThat(used() - before).as("bytes").isLessThan(9L * count);
    for (int n = 0; n < 1_000; n++) {
      long i = random.nextLong(count);
      assertThat(index.get(i * 0x9E3779B1L & count - 1)).isEqualTo(i + 4);
    }
  }

  /** A client that steps through the oids makes no page for each of them. */
  @ParameterizedTest
  @ValueSource(longs = {1_000, 1L << 20, 1L << 33})
  void oids_in_steps_cost_little(long step) {
    ObjectIndex index = new ObjectIndex();
    long before = used();
    for (long i = 0; i < 200_000; i++) {
      index.put(i * step, i + 4);
    }
    // The pages that are always allowed cost 8 MB.
    assertThat(used() - before).as("bytes").isLessThan(200_000 * 120L + (16 << 20));
    assertThat(index.get(199_999 * step)).isEqualTo(199_999 + 4);
  }

  private static long used() {
    Runtime runtime = Runtime.getRuntime();
    long least = Long.MAX_VALUE;
    for (int i = 0; i < 3; i++) {
      System.gc();
      least = Math.min(least, runtime.totalMemory() - runtime.freeMemory());
    }
    return least;
  }

  @Test
  void readers_see_what_was_put_before_while_one_writes() throws InterruptedException {
    ObjectIndex index = new ObjectIndex();
    AtomicBoolean done = new AtomicBoolean();
    AtomicReference<String> wrong = new AtomicReference<>("");
    Thread reader =
        Thread.ofPlatform()
            .start(
                () -> {
                  SplittableRandom random = new SplittableRandom(1);
                  while (!done.get()) {
                    long size = index.size();
                    if (size > 1) {
                      long known = random.nextLong(size - 1);
                      if (index.get(known) == 0 || index.ceiling(known).orElse(-1) != known) {
                        wrong.set("oid " + known + " of " + size + " is not there");
                        return;
                      }
                    }
                  }
                });
    for (long oid = 0; oid < 3_000_000; oid++) {
      index.put(oid, oid + 4);
    }
    done.set(true);
    reader.join();
    assertThat(wrong.get()).isEmpty();
  }
}
