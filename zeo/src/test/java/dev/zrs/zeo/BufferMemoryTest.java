package dev.zrs.zeo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;

final class BufferMemoryTest {
  private final BufferMemory memory = new BufferMemory(1000);
  private final List<String> ended = new CopyOnWriteArrayList<>();

  private BufferMemory.Share join(String name) {
    return memory.join(name, () -> ended.add(name));
  }

  @Test
  void whoHoldsMostEnds() {
    BufferMemory.Share small = join("small");
    BufferMemory.Share large = join("large");
    BufferMemory.Share next = join("next");
    small.input(100);
    large.input(300);
    large.output(300);
    next.output(300);
    assertThat(memory.total()).isEqualTo(1000);
    small.output(1);
    await().until(() -> ended.equals(List.of("large")));
    assertThat(memory.total()).isEqualTo(401);
    large.output(10_000);
    assertThat(large.input(10)).isFalse();
    assertThat(memory.total()).isEqualTo(401);
    next.output(200);
    next.input(100);
    small.input(0);
    assertThat(memory.total()).isEqualTo(301);
    next.leave();
    next.leave();
    large.leave();
    assertThat(memory.total()).isEqualTo(1);
    assertThat(ended).containsExactly("large");
  }

  @Test
  void oneThatWantsMoreThanAllEndsItself() {
    BufferMemory.Share small = join("small");
    BufferMemory.Share greedy = join("greedy");
    assertThat(small.input(900)).isTrue();
    assertThat(greedy.input(1001)).isFalse();
    await().until(() -> ended.equals(List.of("greedy")));
    assertThat(memory.total()).isEqualTo(900);
  }
}
