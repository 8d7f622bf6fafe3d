package dev.zrs.replication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.zrs.storage.FileStorage;
import dev.zrs.storage.Tid;
import dev.zrs.testkit.NetworkProxy;
import dev.zrs.testkit.ProxiedConnection;
import dev.zrs.testkit.PythonPeer;
import dev.zrs.testkit.Way;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Our side against the real zc.zrs on the other. */
@Timeout(180)
final class PythonPeerTest {
  @TempDir private Path directory = Path.of("unset");

  static byte[] peer(String command, Replica replica, boolean blobs, Object... more) {
    String[] arguments = new String[3 + more.length];
    arguments[0] = command;
    arguments[1] = replica.file().toString();
    arguments[2] = blobs ? replica.blobs().toString() : "-";
    for (int i = 0; i < more.length; i++) {
      arguments[3 + i] = more[i].toString();
    }
    return PythonPeer.legacy().run(PythonPeerTest.class, "peer.py", arguments);
  }

  static FutureTask<byte[]> start(Callable<byte[]> run) {
    FutureTask<byte[]> task = new FutureTask<>(run);
    Thread.ofVirtual().start(task);
    return task;
  }

  private static FileStorage open(Replica replica, boolean blobs) {
    return blobs ? replica.open() : replica.openWithoutBlobs();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void our_stream_is_zc_zrs_s_stream_byte_for_byte(boolean blobs) throws IOException {
    Replica made = Replica.in(directory, "made");
    peer("make", made, blobs);
    Tid first;
    Tid middle;
    try (FileStorage storage = open(made, blobs)) {
      first = storage.lastCommits(1_000).getFirst().tid();
      middle = storage.lastCommits(9).getFirst().tid();
    }
    // From the beginning, after a transaction, and after a tid that nobody has.
    for (Tid start : new Tid[] {Tid.NONE, first, middle, new Tid(middle.value() - 1)}) {
      Path captured = directory.resolve("captured-" + start);
      peer("capture", made, blobs, start, captured);
      byte[] expected = Files.readAllBytes(captured);
      byte[] sent;
      try (FileStorage storage = open(made, blobs);
          ReplicationPrimary primary = ReplicationTest.primary(storage)) {
        sent = receive(primary, start, expected.length);
      }
      assertThat(Arrays.mismatch(sent, expected)).as("first different byte").isEqualTo(-1);
      assertThat(expected.length).isGreaterThan(500);
    }
  }

  @Test
  void from_the_last_tid_the_stream_is_what_is_committed_live() throws IOException {
    Replica made = Replica.in(directory, "made");
    peer("make", made, true);
    Tid last;
    byte[] sent;
    try (FileStorage storage = made.open();
        ReplicationPrimary primary = ReplicationTest.primary(storage);
        Socket socket = connect(primary, storage.lastTransaction())) {
      last = storage.lastTransaction();
      for (int i = 1; i <= 3; i++) {
        Replica.commitBlob(storage, storage.newOid(), new byte[70_000 * i]);
      }
      ByteArrayOutputStream received = new ByteArrayOutputStream();
      // A primary that stops sends nothing to who has not been understood yet.
      received.write(socket.getInputStream().readNBytes(1));
      Thread.ofVirtual().start(primary::close);
      received.write(socket.getInputStream().readAllBytes());
      sent = received.toByteArray();
    }
    Path captured = directory.resolve("captured");
    peer("capture", made, true, last, captured);
    assertThat(Arrays.mismatch(sent, Files.readAllBytes(captured)))
        .as("first different byte")
        .isEqualTo(-1);
    assertThat(sent.length).isGreaterThan(6 * 70_000);
  }

  private static Socket connect(ReplicationPrimary primary, Tid start) throws IOException {
    Socket socket = new Socket();
    socket.connect(primary.address());
    socket
        .getOutputStream()
        .write(
            new StreamBuilder(start)
                .frame(ReplicationTest.ascii("zrs2.1"))
                .frame(start.toBytes())
                .bytes());
    await().atMost(ReplicationTest.LIMIT).until(() -> primary.connections() == 1);
    return socket;
  }

  /** What a primary sends up to a number of bytes, and the end that follows when it stops. */
  private static byte[] receive(ReplicationPrimary primary, Tid start, int length)
      throws IOException {
    try (Socket socket = connect(primary, start)) {
      InputStream input = socket.getInputStream();
      ByteArrayOutputStream received = new ByteArrayOutputStream();
      received.write(input.readNBytes(length));
      // It waits until this side has closed too.
      Thread.ofVirtual().start(primary::close);
      received.write(input.readAllBytes());
      return received.toByteArray();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void Python_follows_our_primary(boolean blobs) throws Exception {
    Replica ours = Replica.in(directory, "ours");
    Replica python = Replica.in(directory, "python");
    peer("make", ours, blobs);
    Path stop = directory.resolve("stop");
    try (FileStorage storage = open(ours, blobs);
        ReplicationPrimary primary = ReplicationTest.primary(storage)) {
      int port = ((InetSocketAddress) primary.address()).getPort();
      FutureTask<byte[]> follower = start(() -> peer("follow_live", python, blobs, port, stop));
      await().atMost(ReplicationTest.LIMIT).until(() -> primary.connections() == 1);
      Random random = new Random(1);
      Tid last = Tid.NONE;
      for (int i = 0; i < 100; i++) {
        last = Replica.commit(storage, random);
      }
      writeWhole(stop, last.toString());
      follower.get(90, TimeUnit.SECONDS);
    }
    ours.assertEquals(python);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void we_follow_a_Python_primary(boolean blobs) throws Exception {
    Replica ours = Replica.in(directory, "ours");
    Replica python = Replica.in(directory, "python");
    peer("make", python, blobs);
    Path stop = directory.resolve("stop");
    Serving serving = serve(python, blobs, directory.resolve("port"), stop, 100);
    try (FileStorage storage = open(ours, blobs);
        NetworkProxy network = new NetworkProxy(serving.address(), new RareCuts());
        ReplicationSecondary secondary = ReplicationTest.secondary(network.address(), storage)) {
      ReplicationTest.awaitTransaction(storage, serving.lastTid());
      assertThat(secondary.status().connections()).isGreaterThan(1);
      writeWhole(stop, "");
      serving.primary().get(90, TimeUnit.SECONDS);
    }
    python.assertEquals(ours);
  }

  /**
   * A primary of zc.zrs that commits while it serves.
   *
   * @param done what it writes its last tid to when it has committed all
   */
  record Serving(FutureTask<byte[]> primary, InetSocketAddress address, Path done) {
    Tid lastTid() throws IOException {
      await()
          .atMost(ReplicationTest.LIMIT)
          .until(() -> primary.isDone() || (Files.exists(done) && Files.size(done) == 16));
      return Tid.of(HexFormat.of().parseHex(Files.readString(done)));
    }
  }

  static Serving serve(Replica python, boolean blobs, Path portFile, Path stop, int commits)
      throws IOException {
    FutureTask<byte[]> primary = start(() -> peer("serve", python, blobs, portFile, stop, commits));
    await().atMost(ReplicationTest.LIMIT).until(() -> Files.exists(portFile) || primary.isDone());
    return new Serving(
        primary,
        new InetSocketAddress(
            InetAddress.getLoopbackAddress(), Integer.parseInt(Files.readString(portFile))),
        portFile.resolveSibling(portFile.getFileName() + ".done"));
  }

  /** Cuts the first connections somewhere. */
  private static final class RareCuts implements Consumer<ProxiedConnection> {
    private final Random random = new Random(3);
    private int connections;

    @Override
    public void accept(ProxiedConnection connection) {
      if (connections++ < 4) {
        connection.cutAfter(Way.TO_CLIENT, random.nextInt(900_000));
      }
    }
  }

  @Test
  void Python_s_storage_leaves_out_a_transaction_without_records() {
    Replica replica = Replica.in(directory, "python");
    peer("make", replica, false);
    byte[] unchanged = peer("empty_transaction", replica, false);
    assertThat(new String(unchanged, StandardCharsets.US_ASCII)).isEqualTo("True\n");
  }

  /** The other side must not see half of it. */
  static void writeWhole(Path file, String text) throws IOException {
    Path temporary = file.resolveSibling(file.getFileName() + ".tmp");
    Files.writeString(temporary, text);
    Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
  }
}
