package dev.zrs.zeo;

import static org.assertj.core.api.Assertions.assertThat;

import dev.zrs.pickle.Py;
import dev.zrs.pickle.PyTuple;
import dev.zrs.storage.Commit;
import dev.zrs.storage.Oid;
import dev.zrs.storage.Tid;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What {@link Outbox} promises, seen from clients that look at every message: writers that count in
 * few objects, and readers with many loads in flight.
 */
@Timeout(value = 2, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class OrderTest {
  private static final int OBJECTS = 5;
  private static final int WRITERS = 3;
  private static final int READERS = 3;
  private static final int COMMITS = 150;
  private static final int IN_FLIGHT = 8;

  @TempDir private Path directory = Path.of("unset");

  /** What a client knows from the messages so far. */
  private static final class Model {
    private final RawClient client;
    private final Tid start;
    private final List<Tid> told = new ArrayList<>();
    private final Map<Oid, Tid> changed = new HashMap<>();
    private Tid announced;

    Model(int port) throws IOException {
      client = RawClient.connect(port);
      start = Tid.of(Py.asBytes(client.require("register", "1", false)));
      announced = start;
      client.listen(this::message);
    }

    private void message(ServerMessage message) {
      if (message.name().equals("invalidateTransaction")) {
        PyTuple arguments = Py.asTuple(message.arguments(), 2);
        List<Oid> oids =
            Py.asSequence(arguments.get(1)).stream().map(each -> Oid.of(Py.asBytes(each))).toList();
        announce(Tid.of(Py.asBytes(arguments.get(0))), oids);
      } else {
        assertThat(message.name()).isEqualTo("info");
      }
    }

    private void announce(Tid tid, List<Oid> oids) {
      assertThat(tid).isGreaterThan(announced);
      announced = tid;
      told.add(tid);
      oids.forEach(oid -> changed.put(oid, tid));
    }

    /** Checks a revision against what was announced before it; its serial. */
    private Tid loaded(Oid oid, Tid before, ServerMessage reply) {
      assertThat(reply.isError()).as("%s", reply).isFalse();
      PyTuple revision = Py.asTuple(reply.arguments(), 3);
      Tid serial = Tid.of(Py.asBytes(revision.get(1)));
      assertThat(serial).isLessThanOrEqualTo(announced).isLessThan(before);
      if (Py.isNone(revision.get(2))) {
        assertThat(serial).isEqualTo(changed.getOrDefault(oid, serial));
      } else {
        Tid end = Tid.of(Py.asBytes(revision.get(2)));
        assertThat(end).isLessThanOrEqualTo(announced).isGreaterThanOrEqualTo(before);
      }
      return serial;
    }

    private long value(ServerMessage reply) {
      return ByteBuffer.wrap(Py.asBytes(Py.asTuple(reply.arguments(), 3).get(0))).getLong();
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2})
  void everyReplyFitsWhatWasAnnouncedBefore(long seed) throws Exception {
    try (ServerHarness harness =
        new ServerHarness(directory, ZeoServerOptions.DEFAULT.withInvalidationQueueSize(10_000))) {
      List<Oid> oids = new ArrayList<>();
      try (RawClient creator = RawClient.register(harness.port())) {
        for (int i = 0; i < OBJECTS; i++) {
          oids.add(new Oid(i));
          creator.commit(i, new Oid(i), Tid.NONE, new byte[8]);
        }
      }
      AtomicBoolean done = new AtomicBoolean();
      List<Model> models = new ArrayList<>();
      List<CompletableFuture<Void>> writers = new ArrayList<>();
      List<CompletableFuture<Void>> readers = new ArrayList<>();
      for (int i = 0; i < WRITERS + READERS; i++) {
        Model model = new Model(harness.port());
        models.add(model);
        Random random = new Random(seed * 100 + i);
        if (i < WRITERS) {
          writers.add(start(() -> write(model, oids, random)));
        } else {
          readers.add(start(() -> read(model, oids, random, done)));
        }
      }
      try {
        writers.forEach(CompletableFuture::join);
      } finally {
        done.set(true);
      }
      readers.forEach(CompletableFuture::join);
      check(harness, models, oids);
    }
  }

  private interface Work {
    void run() throws IOException;
  }

  private static CompletableFuture<Void> start(Work work) {
    return CompletableFuture.runAsync(
        () -> {
          try {
            work.run();
          } catch (IOException e) {
            throw new AssertionError(e);
          }
        },
        body -> Thread.ofPlatform().daemon().start(body));
  }

  private static void write(Model model, List<Oid> oids, Random random) throws IOException {
    int done = 0;
    for (long id = 1; done < COMMITS; id++) {
      Oid oid = oids.get(random.nextInt(oids.size()));
      ServerMessage current = model.client.call("loadBefore", oid, Tid.MAX);
      Tid serial = model.loaded(oid, Tid.MAX, current);
      byte[] next = ByteBuffer.allocate(8).putLong(model.value(current) + 1).array();
      model.client.begin(id, oid, serial, next);
      ServerMessage vote = model.client.call("vote", id);
      assertThat(vote.isError()).isFalse();
      if (!Py.asSequence(vote.arguments()).isEmpty()) {
        model.client.require("tpc_abort", id);
        // What it lost against was told before.
        assertThat(model.changed.get(oid)).isGreaterThan(serial);
        continue;
      }
      ServerMessage finish = model.client.call("tpc_finish", id);
      assertThat(finish.isError()).isFalse();
      model.announce(Tid.of(Py.asBytes(finish.arguments())), List.of(oid));
      done++;
    }
  }

  private record Load(Oid oid, Tid before) {}

  private static void read(Model model, List<Oid> oids, Random random, AtomicBoolean done)
      throws IOException {
    ArrayList<Load> inFlight = new ArrayList<>();
    while (!done.get() || !inFlight.isEmpty()) {
      while (!done.get() && inFlight.size() < IN_FLIGHT) {
        Oid oid = oids.get(random.nextInt(oids.size()));
        Load load = new Load(oid, random.nextBoolean() ? Tid.MAX : model.announced.next());
        inFlight.add(load);
        model.client.sendLoad(load.oid, load.before);
      }
      ServerMessage message = model.client.receive();
      if (message.isReply()) {
        Load load = inFlight.removeFirst();
        model.loaded(load.oid, load.before, message);
      } else {
        model.message(message);
      }
    }
    ServerMessage last = model.client.call("lastTransaction");
    assertThat(Tid.of(Py.asBytes(last.arguments()))).isEqualTo(model.announced);
    ServerMessage changes = model.client.call("getInvalidations", model.start);
    PyTuple pair = Py.asTuple(changes.arguments(), 2);
    assertThat(Tid.of(Py.asBytes(pair.get(0)))).isEqualTo(model.announced);
    assertThat(Py.asSequence(pair.get(1))).hasSize(model.changed.size());
  }

  private static void check(ServerHarness harness, List<Model> models, List<Oid> oids)
      throws IOException {
    List<Tid> all =
        harness.storage().lastCommits(Integer.MAX_VALUE).stream().map(Commit::tid).toList();
    assertThat(all).hasSize(OBJECTS + WRITERS * COMMITS);
    for (Model model : models) {
      int from = all.indexOf(model.start) + 1;
      assertThat(model.told).isEqualTo(all.subList(from, from + model.told.size()));
    }
    long sum = 0;
    try (RawClient client = RawClient.register(harness.port())) {
      for (Oid oid : oids) {
        PyTuple revision = Py.asTuple(client.require("loadBefore", oid, Tid.MAX), 3);
        sum += ByteBuffer.wrap(Py.asBytes(revision.get(0))).getLong();
      }
    }
    assertThat(sum).isEqualTo(WRITERS * COMMITS);
    for (Model model : models) {
      model.client.close();
    }
  }
}
