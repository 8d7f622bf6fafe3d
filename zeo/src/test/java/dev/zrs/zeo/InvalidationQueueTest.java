package dev.zrs.zeo;

import static org.assertj.core.api.Assertions.assertThat;

import dev.zrs.storage.Commit;
import dev.zrs.storage.Oid;
import dev.zrs.storage.Tid;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

final class InvalidationQueueTest {
  private static Commit commit(long tid, long... oids) {
    return new Commit(new Tid(tid), Arrays.stream(oids).mapToObj(Oid::new).toList(), null);
  }

  @Test
  void saysWhatChanged() {
    InvalidationQueue queue = new InvalidationQueue(3);
    assertThat(queue.changed(Tid.NONE, Tid.MAX)).isNull();
    queue.add(commit(10, 1, 2));
    queue.add(commit(20, 2, 3));
    queue.add(commit(30, 4));
    assertThat(queue.changed(new Tid(10), Tid.MAX))
        .containsExactlyInAnyOrder(new Oid(2), new Oid(3), new Oid(4));
    assertThat(queue.changed(new Tid(10), new Tid(20)))
        .containsExactlyInAnyOrder(new Oid(2), new Oid(3));
    assertThat(queue.changed(new Tid(15), new Tid(25)))
        .containsExactlyInAnyOrder(new Oid(2), new Oid(3));
    assertThat(queue.changed(new Tid(30), Tid.MAX)).isEmpty();
    assertThat(queue.changed(new Tid(31), Tid.MAX)).isEmpty();
    assertThat(queue.changed(new Tid(9), Tid.MAX)).isNull();
    queue.add(commit(40, 5));
    assertThat(queue.changed(new Tid(10), Tid.MAX)).isNull();
    assertThat(queue.changed(new Tid(20), Tid.MAX)).hasSize(2);
  }

  @Test
  void seedComesBeforeWhatWasAddedMeanwhile() {
    InvalidationQueue queue = new InvalidationQueue(3);
    queue.add(commit(30, 3));
    queue.seed(List.of(commit(5, 5), commit(10, 1), commit(20, 2), commit(30, 3)));
    assertThat(queue.changed(new Tid(10), Tid.MAX)).containsExactly(new Oid(3), new Oid(2));
    assertThat(queue.changed(new Tid(5), Tid.MAX)).isNull();
  }
}
