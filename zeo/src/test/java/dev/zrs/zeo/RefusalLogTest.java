package dev.zrs.zeo;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class RefusalLogTest {
  @Test
  void manyAtOnceThenOneASecond() {
    AtomicReference<Instant> now = new AtomicReference<>(Instant.EPOCH);
    List<Long> leftOut = new ArrayList<>();
    List<Integer> written = new ArrayList<>();
    RefusalLog log = new RefusalLog(now::get, leftOut::add);
    for (int i = 0; i < 300; i++) {
      int line = i;
      log.write(() -> written.add(line));
    }
    assertThat(written).hasSize(200).contains(199);
    assertThat(leftOut).isEmpty();

    now.set(Instant.EPOCH.plusSeconds(1));
    log.write(() -> written.add(1000));
    log.write(() -> written.add(1001));
    assertThat(written).hasSize(201).contains(1000);
    assertThat(leftOut).containsExactly(100L);

    now.set(Instant.EPOCH.plusSeconds(10_000));
    log.write(() -> written.add(2000));
    assertThat(written).contains(2000);
    assertThat(leftOut).containsExactly(100L, 1L);
  }
}
