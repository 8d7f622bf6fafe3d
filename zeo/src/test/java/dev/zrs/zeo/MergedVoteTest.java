package dev.zrs.zeo;

import static org.assertj.core.api.Assertions.assertThat;

import dev.zrs.pickle.PickleWriter;
import dev.zrs.pickle.Py;
import dev.zrs.pickle.PyDict;
import dev.zrs.pickle.PyGlobal;
import dev.zrs.pickle.PyTuple;
import dev.zrs.storage.Oid;
import dev.zrs.storage.Tid;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Conflicts that the server resolves itself: what it tells of them to the clients. */
@Timeout(value = 1, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class MergedVoteTest {
  private static final Oid ONE = new Oid(1);
  private static final Oid TWO = new Oid(2);
  private static final Oid THREE = new Oid(3);

  @TempDir private Path directory = Path.of("unset");

  private static byte[] length(long number) {
    return PickleWriter.memoized(3)
        .write(new PyGlobal("BTrees.Length", "Length"))
        .write(number)
        .toByteArray();
  }

  /** Of a class that only the client knows. */
  private static byte[] unknown(int number) {
    return new byte[] {(byte) number};
  }

  private static List<Oid> oids(Object list) {
    return Py.asSequence(list).stream().map(each -> Oid.of(Py.asBytes(each))).toList();
  }

  /** The oids of the conflicts that the client is to resolve. */
  private static List<Oid> conflicts(Object vote) {
    return Py.asSequence(vote).stream()
        .map(each -> Oid.of(Py.asBytes(Objects.requireNonNull(Py.asDict(each).get("oid")))))
        .toList();
  }

  private static Tid finish(RawClient client, long id) throws IOException {
    return Tid.of(Py.asBytes(client.require("tpc_finish", id)));
  }

  /** What a client is told to have changed in transaction {@code tid}, which it will be. */
  private static List<Oid> invalidated(RawClient client, Tid tid) throws IOException {
    while (true) {
      ServerMessage message = client.receive();
      if (message.name().equals("invalidateTransaction")) {
        PyTuple arguments = Py.asTuple(message.arguments(), 2);
        if (Tid.of(Py.asBytes(arguments.get(0))).equals(tid)) {
          return oids(arguments.get(1));
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void theCommitterGetsTheOidsAndTheOthersInvalidations(Encoding encoding) throws IOException {
    ZeoServerOptions options = ZeoServerOptions.DEFAULT.withMsgpack(encoding == Encoding.MSGPACK);
    try (ServerHarness harness = new ServerHarness(directory, options);
        RawClient client = RawClient.register(harness.port(), encoding);
        RawClient other = RawClient.register(harness.port(), encoding);
        RawClient third = RawClient.register(harness.port(), encoding)) {
      Tid first = client.commit(1, ONE, Tid.NONE, length(1));
      other.commit(1, ONE, first, length(11));

      List<ServerMessage> told = new ArrayList<>();
      client.listen(told::add);
      client.begin(2, TWO, Tid.NONE, length(5));
      client.cast("storea", ONE, first, length(101), 2L);
      assertThat(oids(client.require("vote", 2L))).containsExactly(ONE);
      Tid merged = finish(client, 2);

      assertThat(invalidated(other, merged)).containsExactlyInAnyOrder(ONE, TWO);
      assertThat(invalidated(third, merged)).containsExactlyInAnyOrder(ONE, TWO);
      PyTuple now = Py.asTuple(client.require("loadBefore", ONE, Tid.MAX), 3);
      assertThat(now.items().subList(0, 2)).containsExactly(length(111), merged.toBytes());
      // Its own commit is not announced to it a second time.
      assertThat(told)
          .filteredOn(message -> message.name().equals("invalidateTransaction"))
          .extracting(message -> Tid.of(Py.asBytes(Py.asTuple(message.arguments(), 2).get(0))))
          .doesNotContain(merged);
      assertThat(status(third)).isEqualTo("0 conflicts, 1 merged");
    }
  }

  private static String status(RawClient client) throws IOException {
    PyDict status = Py.asDict(client.require("server_status"));
    return "%s conflicts, %s merged"
        .formatted(status.get("conflicts"), status.get("conflicts_resolved"));
  }

  @Test
  void whatIsMergedIsNamedWhenTheClientHasResolvedTheRest() throws IOException {
    try (ServerHarness harness = new ServerHarness(directory, ZeoServerOptions.DEFAULT);
        RawClient client = RawClient.register(harness.port())) {
      Tid one = client.commit(1, ONE, Tid.NONE, length(1));
      Tid two = client.commit(2, TWO, Tid.NONE, unknown(1));
      Tid three = client.commit(3, THREE, Tid.NONE, length(1));
      client.commit(4, ONE, one, length(11));
      Tid newTwo = client.commit(5, TWO, two, unknown(2));
      Tid newThree = client.commit(6, THREE, three, length(11));

      client.begin(7, ONE, one, length(101));
      client.cast("storea", TWO, two, unknown(3), 7L);
      client.cast("undoa", Base64.getEncoder().encode(newThree.toBytes()), 7L);
      assertThat(conflicts(client.require("vote", 7L))).containsExactly(TWO);
      client.cast("storea", TWO, newTwo, unknown(4), 7L);
      assertThat(oids(client.require("vote", 7L))).containsExactlyInAnyOrder(ONE, THREE);
      Tid last = finish(client, 7);

      assertThat(client.require("loadSerial", ONE, last)).isEqualTo(length(111));
      assertThat(client.require("loadSerial", TWO, last)).isEqualTo(unknown(4));
      assertThat(client.require("loadSerial", THREE, last)).isEqualTo(length(1));
    }
  }

  @Test
  void clientsThatResolveAllConflictsGetThoseToo() throws IOException {
    ZeoServerOptions options = ZeoServerOptions.DEFAULT.withClientConflictResolution(true);
    try (ServerHarness harness = new ServerHarness(directory, options);
        RawClient client = RawClient.register(harness.port())) {
      Tid one = client.commit(1, ONE, Tid.NONE, length(1));
      Tid two = client.commit(2, TWO, Tid.NONE, unknown(1));
      Tid newOne = client.commit(3, ONE, one, length(11));
      Tid newTwo = client.commit(4, TWO, two, unknown(2));

      client.begin(5, ONE, one, length(101));
      client.cast("storea", TWO, two, unknown(3), 5L);
      assertThat(conflicts(client.require("vote", 5L))).containsExactly(ONE, TWO);
      client.cast("storea", ONE, newOne, length(1000), 5L);
      client.cast("storea", TWO, newTwo, unknown(4), 5L);
      assertThat(oids(client.require("vote", 5L))).isEmpty();
      Tid last = finish(client, 5);

      assertThat(client.require("loadSerial", ONE, last)).isEqualTo(length(1000));
      assertThat(status(client)).isEqualTo("1 conflicts, 0 merged");
    }
  }

  @Test
  void whatTheClassRefusesIsAnErrorAndNotForTheClient() throws IOException {
    try (ServerHarness harness = new ServerHarness(directory, ZeoServerOptions.DEFAULT);
        RawClient client = RawClient.register(harness.port())) {
      PyGlobal set = new PyGlobal("BTrees.OOBTree", "OOSet");
      Tid one = client.commit(1, ONE, Tid.NONE, set(set, 1L));
      client.commit(2, ONE, one, set(set, 1L, 2L));
      client.begin(3, ONE, one, set(set, 1L, 2L));
      ServerMessage vote = client.call("vote", 3L);
      assertThat(vote.isError()).isTrue();
      assertThat(vote.error()).isEqualTo("ZODB.POSException.ConflictError");
      PyDict error = Py.asDict(vote.errorArguments());
      assertThat(error.get("oid")).isEqualTo(ONE.toBytes());
      assertThat(error.get("class_name")).isEqualTo("BTrees.OOBTree.OOSet");
      assertThat(harness.storage().commitLock().holder()).isEmpty();
      assertThat(status(client)).isEqualTo("1 conflicts, 0 merged");
    }
  }

  private static byte[] set(PyGlobal type, Object... keys) {
    return PickleWriter.memoized(3)
        .write(type)
        .write(PyTuple.of((Object) PyTuple.of(keys)))
        .toByteArray();
  }
}
