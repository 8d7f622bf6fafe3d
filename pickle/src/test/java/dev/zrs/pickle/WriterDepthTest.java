package dev.zrs.pickle;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Deep values are written, and too deep ones refused, with little of the thread's stack. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class WriterDepthTest {
  private static final long STACK_BYTES = 256 * 1024;

  private static final List<UnaryOperator<Object>> NESTINGS =
      List.of(
          PyTuple::of,
          inner -> new PyList(List.of(inner)),
          inner -> new PySet(List.of(inner)),
          inner -> {
            PyDict dict = new PyDict();
            dict.put("key", inner);
            return dict;
          },
          inner -> new PyInstance(PyInstance.Kind.NEWOBJ, inner, PyTuple.EMPTY),
          inner -> new PyInstance(PyInstance.Kind.OBJ, "class", PyTuple.of(inner)),
          inner -> {
            PyInstance instance =
                new PyInstance(PyInstance.Kind.REDUCE, new PyGlobal("m", "A"), PyTuple.EMPTY);
            PyDict state = new PyDict();
            state.put("attribute", inner);
            instance.setState(state);
            return instance;
          });

  @Test
  void every_nesting_is_written_up_to_the_limit() throws InterruptedException {
    for (UnaryOperator<Object> nesting : NESTINGS) {
      Object value = nested(nesting, PickleWriter.MAX_DEPTH);
      for (PickleWriter writer : writers()) {
        assertThat(thrownOnSmallStack(() -> writer.write(value))).isNull();
        assertThat(writer.size()).isGreaterThan(PickleWriter.MAX_DEPTH);
      }
    }
  }

  @Test
  void every_deeper_nesting_is_refused() throws InterruptedException {
    for (UnaryOperator<Object> nesting : NESTINGS) {
      Object value = nested(nesting, 5 * PickleWriter.MAX_DEPTH);
      for (PickleWriter writer : writers()) {
        assertThat(thrownOnSmallStack(() -> writer.write(value)))
            .isInstanceOf(PickleException.class)
            .hasMessageContaining("nests deeper");
      }
    }
  }

  private static List<PickleWriter> writers() {
    return List.of(PickleWriter.zeo(), PickleWriter.memoized(3), PickleWriter.zrs());
  }

  private static Object nested(UnaryOperator<Object> nesting, int depth) {
    Object value = 1L;
    for (int i = 0; i < depth; i++) {
      value = nesting.apply(value);
    }
    return value;
  }

  private static @Nullable Throwable thrownOnSmallStack(Runnable task) throws InterruptedException {
    AtomicReference<@Nullable Throwable> thrown = new AtomicReference<>();
    Thread thread = new Thread(null, task, "small stack", STACK_BYTES);
    thread.setUncaughtExceptionHandler((where, what) -> thrown.set(what));
    thread.start();
    thread.join();
    return thrown.get();
  }
}
