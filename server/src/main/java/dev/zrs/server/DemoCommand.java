package dev.zrs.server;

import dev.zrs.replication.ReplicationPrimary;
import dev.zrs.replication.SecondaryStatus;
import dev.zrs.server.config.CommandLine;
import dev.zrs.server.config.ServerConfig;
import dev.zrs.server.logging.PythonLogging;
import dev.zrs.server.zookeeper.TrialEnsemble;
import dev.zrs.storage.FileStorage;
import dev.zrs.storage.Tid;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.SocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code zrs demo}: a primary and a secondary on this machine, with a little traffic. */
@Command(
    name = "demo",
    description =
        "Starts a primary and a secondary on this machine, with a small database and a little"
            + " traffic, and shows what they do until Ctrl-C.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class)
final class DemoCommand implements Callable<Integer> {
  private static final Duration PERIOD = Duration.ofSeconds(1);
  private static final String STORAGE = "1";

  @Option(
      names = "--folder",
      paramLabel = "FOLDER",
      description = "where to keep the databases; without it a new temporary folder")
  private @Nullable Path folder;

  @Option(
      names = "--seconds",
      paramLabel = "N",
      description = "end by itself after so many seconds",
      defaultValue = "0")
  private int seconds;

  @Option(
      names = "--zookeeper",
      description =
          "start a ZooKeeper too, through which the two find each other, in place of an address")
  private boolean withZooKeeper;

  private final PrintStream out = System.out;
  private final PrintStream err = System.err;

  @Override
  public Integer call() throws IOException, InterruptedException {
    Path place = folder == null ? Files.createTempDirectory("zrs-demo-") : folder.toAbsolutePath();
    Files.createDirectories(place);
    Path primaryConf = place.resolve("primary.conf");
    Path secondaryConf = place.resolve("secondary.conf");
    CountDownLatch stop = new CountDownLatch(1);
    Closer closer = new Closer();
    Runnable end =
        () -> {
          stop.countDown();
          out.printf("%nstopping; the databases stay in %s%n", place);
          closer.close();
        };
    Stopping.onSignal(_ -> end.run());
    try {
      if (withZooKeeper) {
        TrialEnsemble ensemble = closer.add(TrialEnsemble.start(place.resolve("zookeeper"), 0));
        String keys =
            """
            zookeeper %s
              replicate-%%s /demo/replication"""
                .formatted(ensemble.connectionString());
        writeConf(
            primaryConf,
            "primary",
            keys.formatted("to") + "\n  advertise 127.0.0.1\n  create-path true");
        writeConf(secondaryConf, "secondary", keys.formatted("from"));
      } else {
        String address = text(freeAddress());
        writeConf(primaryConf, "primary", "replicate-to " + address);
        writeConf(secondaryConf, "secondary", "replicate-from " + address);
      }
      ServerConfig primaryConfig = load(primaryConf);
      closer.add(PythonLogging.start(primaryConfig.eventlog()));
      Node primary = closer.add(Node.start(primaryConfig, InstantSource.system()));
      Node secondary = closer.add(Node.start(load(secondaryConf), InstantSource.system()));
      explain(place, primary, secondary);
      show(primary.storage(STORAGE), secondary, stop);
      return Main.GOOD;
    } catch (RuntimeException e) { // whatever it is, the user gets one line
      err.println("Error: " + e.getMessage());
      return Main.BAD;
    } finally {
      if (Stopping.clear()) {
        end.run();
      }
    }
  }

  private static InetSocketAddress freeAddress() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return new InetSocketAddress(socket.getInetAddress(), socket.getLocalPort());
    }
  }

  private static void writeConf(Path file, String name, String keys) throws IOException {
    Path folder = file.toAbsolutePath().resolveSibling(name);
    Files.createDirectories(folder);
    InetSocketAddress zeo = freeAddress();
    Files.writeString(
        file,
        """
        %%define FOLDER %s
        <zeo>
          address %s:%d
        </zeo>
        %%import zc.zrs
        <zrs 1>
          %s
          <filestorage>
            path $FOLDER/Data.fs
            blob-dir $FOLDER/blobs
          </filestorage>
        </zrs>
        <eventlog>
          <logfile>
            path %s
          </logfile>
        </eventlog>
        """
            .formatted(
                folder,
                zeo.getHostString(),
                zeo.getPort(),
                keys,
                folder.resolveSibling("demo.log")));
  }

  private static ServerConfig load(Path file) {
    return ServerConfig.load(Optional.of(file), CommandLine.NONE, Map.of());
  }

  private void explain(Path place, Node primary, Node secondary) {
    ReplicationPrimary sender =
        primary.replicated().values().iterator().next().primary().orElseThrow();
    out.printf(
        """
        Folder                  %s
        Primary, ZEO            %s
        Primary, replication    %s
        Secondary, ZEO          %s  (read-only)

        Look at it from Python (pip install ZEO):

            import ZEO
            connection = ZEO.connection(%s)
            print(connection.root()['demo'])

        The secondary has the same:

            import ZEO, ZODB
            db = ZODB.DB(ZEO.client(%s, read_only=True))
            print(db.open().root()['demo'])

        The same two servers with files of your own: zrs serve -C primary.conf (see the folder).
        A commit a second follows; Ctrl-C ends it.

        """,
        place,
        text(primary.zeoAddress()),
        Node.text(sender.address())
            + (withZooKeeper ? ", which ZooKeeper tells the secondary" : ""),
        text(secondary.zeoAddress()),
        python(primary.zeoAddress()),
        python(secondary.zeoAddress()));
    out.flush();
  }

  private void show(FileStorage storage, Node secondary, CountDownLatch stop)
      throws InterruptedException {
    DemoTraffic traffic = new DemoTraffic(storage);
    FileStorage copy = secondary.storage(STORAGE);
    for (int i = 0; seconds == 0 || i < seconds; i++) {
      long commits = traffic.commit();
      Tid last = storage.lastTransaction();
      long lag = storage.size() - copy.size();
      long begun = System.nanoTime();
      boolean caughtUp = copy.feed().awaitAfter(last.previous(), PERIOD);
      double millis = (System.nanoTime() - begun) / 1e6;
      SecondaryStatus status = secondary.secondary(STORAGE).orElseThrow().status();
      out.printf(
          Locale.ROOT,
          "commit %d: primary at %s UTC, %d bytes; secondary %s, %d bytes; lag %s%n",
          commits,
          last.toUtcText(),
          storage.size(),
          status.state().name().toLowerCase(Locale.ROOT).replace('_', ' '),
          copy.size(),
          caughtUp
              ? "was %d bytes, and gone after %.1f ms".formatted(lag, millis)
              : "%d bytes".formatted(storage.size() - copy.size()));
      out.flush();
      if (stop.await(PERIOD.toMillis(), TimeUnit.MILLISECONDS)) {
        return;
      }
    }
  }

  private static String text(SocketAddress address) {
    return address instanceof InetSocketAddress inet
        ? inet.getHostString() + ":" + inet.getPort()
        : address.toString();
  }

  private static String python(SocketAddress address) {
    return address instanceof InetSocketAddress inet
        ? "('%s', %d)".formatted(inet.getHostString(), inet.getPort())
        : "'" + address + "'";
  }
}
