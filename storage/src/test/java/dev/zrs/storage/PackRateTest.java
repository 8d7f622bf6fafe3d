package dev.zrs.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
final class PackRateTest {
  private final AtomicBoolean stopped = new AtomicBoolean();

  private FutureTask<Void> passing(PackRate rate, long bytes) {
    FutureTask<Void> task = new FutureTask<>(() -> rate.pass(bytes), null);
    Thread thread = Thread.ofPlatform().daemon().start(task);
    await().until(() -> task.isDone() || thread.getState() == Thread.State.TIMED_WAITING);
    assertThat(task.isDone()).isFalse();
    return task;
  }

  @Test
  void bytes_take_their_time_also_those_of_several_threads() throws Exception {
    PackRate rate = new PackRate(10_000, stopped::get);
    long begun = System.nanoTime();
    FutureTask<Void> one = new FutureTask<>(() -> rate.pass(6_000), null);
    Thread.ofPlatform().daemon().start(one);
    rate.pass(6_000);
    one.get(30, TimeUnit.SECONDS);
    assertThat(System.nanoTime() - begun).isGreaterThan(1_150_000_000L);
  }

  @Test
  void what_waits_goes_on_when_it_is_turned_off() throws Exception {
    PackRate rate = new PackRate(1, stopped::get);
    FutureTask<Void> waiting = passing(rate, 1_000_000);
    rate.turnOff();
    waiting.get(30, TimeUnit.SECONDS);
    rate.pass(1_000_000);
  }

  @Test
  void what_waits_ends_when_the_pack_is_stopped() {
    PackRate rate = new PackRate(1, stopped::get);
    FutureTask<Void> waiting = passing(rate, 1_000_000);
    stopped.set(true);
    assertThatThrownBy(() -> waiting.get(30, TimeUnit.SECONDS))
        .hasCauseInstanceOf(StorageException.class);
  }

  @Test
  void without_a_rate_nothing_waits() {
    new PackRate(0, stopped::get).pass(Long.MAX_VALUE);
  }
}
