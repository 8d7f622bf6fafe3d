package dev.zrs.storage;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

final class OidSetTest {
  @Test
  void has_what_was_added_and_nothing_else() {
    SplittableRandom random = new SplittableRandom(1);
    OidSet oids = new OidSet();
    Set<Long> set = new HashSet<>();
    for (int i = 0; i < 20_000; i++) {
      long oid = i % 2 == 0 ? random.nextInt(30_000) : random.nextLong();
      oids.add(oid);
      set.add(oid);
    }
    for (long oid : set) {
      assertThat(oids.contains(oid)).isTrue();
    }
    for (long oid = 0; oid < 30_000; oid++) {
      assertThat(oids.contains(oid)).isEqualTo(set.contains(oid));
    }
    for (int i = 0; i < 20_000; i++) {
      long oid = random.nextLong();
      assertThat(oids.contains(oid)).isEqualTo(set.contains(oid));
    }
  }
}
