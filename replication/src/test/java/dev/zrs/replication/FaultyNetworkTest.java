package dev.zrs.replication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.zrs.storage.FileStorage;
import dev.zrs.storage.RealDisk;
import dev.zrs.storage.Tid;
import dev.zrs.testkit.NetworkProxy;
import dev.zrs.testkit.RandomFaults;
import dev.zrs.testkit.RandomFaults.Fault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A primary, two secondaries and a secondary of one of these, with a bad network before each: what
 * a secondary shows is always the begin of what the primary has, and soon after the network has
 * healed all are equal. A failure names its seed; {@code -Dzrs.seed=N} tries that one again.
 */
@Timeout(3_600)
final class FaultyNetworkTest {
  static final boolean LONG = System.getenv("ZRS_LONG") != null;

  /** How soon all must be equal after the network has healed. */
  static final Duration HEALED = Duration.ofSeconds(30);

  private static final Logger LOG = LoggerFactory.getLogger(FaultyNetworkTest.class);
  private static final int SHORT_ROUNDS = 3;
  private static final int LONG_ROUNDS = 60;
  private static final Duration FAULTS = Duration.ofSeconds(LONG ? 8 : 2);
  private static final int SECONDARIES = 3;

  /**
   * zc.zrs waits without a time limit for as much as a length says, so that a changed byte can stop
   * it for good.
   */
  private static final Set<Fault> BEARABLE =
      Arrays.stream(Fault.values())
          .filter(fault -> fault != Fault.FLIP)
          .collect(Collectors.toUnmodifiableSet());

  @TempDir private Path directory = Path.of("unset");

  /** Of the rounds: the one that is asked for, a few known ones, or many new ones. */
  static LongStream seeds() {
    Long wanted = Long.getLong("zrs.seed");
    if (wanted != null) {
      return LongStream.of(wanted);
    }
    long first = LONG ? System.currentTimeMillis() : 1;
    return LongStream.range(first, first + (LONG ? LONG_ROUNDS : SHORT_ROUNDS));
  }

  /** One of the machines; the primary has neither a network before its upstream nor a check. */
  private record Machine(
      Replica replica,
      FileStorage storage,
      ReplicationPrimary primary,
      Optional<NetworkProxy> network,
      Optional<ReplicationSecondary> secondary,
      Optional<PrefixCheck> check)
      implements AutoCloseable {
    @Override
    public void close() {
      secondary.ifPresent(ReplicationSecondary::close);
      network.ifPresent(NetworkProxy::close);
      primary.close();
      storage.close();
    }
  }

  private static FileStorage open(Replica replica) {
    return FileStorage.open(FaultWorkload.options(replica), new RealDisk(), InstantSource.system());
  }

  private static ReplicationPrimary primary(FileStorage storage) {
    ReplicationPrimary primary =
        new ReplicationPrimary(
            ReplicationTest.anyPort(),
            storage,
            PrimaryOptions.DEFAULT
                .withDrainLimit(Duration.ofSeconds(1))
                .withHandshakeLimit(Duration.ofSeconds(2)));
    primary.start();
    return primary;
  }

  private Machine secondary(
      String name, Machine upstream, Replica first, PrefixCheck.Told told, boolean comparesFiles) {
    Replica replica = Replica.in(directory, name);
    FileStorage storage = open(replica);
    PrefixCheck check = new PrefixCheck(name, told, storage, first, replica, comparesFiles);
    NetworkProxy network = new NetworkProxy(upstream.primary().address());
    ReplicationPrimary primary = primary(storage);
    ReplicationSecondary secondary =
        new ReplicationSecondary(
            Upstream.at(network.address()),
            storage,
            ReplicationTest.options(Duration.ofSeconds(1)),
            InstantSource.system(),
            Optional.of(primary));
    secondary.start();
    return new Machine(
        replica,
        storage,
        primary,
        Optional.of(network),
        Optional.of(secondary),
        Optional.of(check));
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void always_a_prefix_and_equal_when_the_network_has_healed(long seed) throws Exception {
    boolean undoes = seed % 3 != 0;
    boolean packs = seed % 3 == 2;
    Random random = new Random(seed);
    Replica first = Replica.in(directory, "first");
    FileStorage storage = open(first);
    List<Machine> machines = new ArrayList<>();
    try {
      PrefixCheck.Told told = PrefixCheck.Told.by(storage);
      Machine primary =
          new Machine(
              first,
              storage,
              primary(storage),
              Optional.empty(),
              Optional.empty(),
              Optional.empty());
      machines.add(primary);
      machines.add(secondary("second", primary, first, told, !packs));
      machines.add(secondary("third", primary, first, told, !packs));
      machines.add(secondary("fourth", machines.get(1), first, told, !packs));
      round(seed, random, machines, new FaultWorkload(storage, random, undoes), packs);
    } finally {
      machines.reversed().forEach(Machine::close);
    }
    if (!packs) {
      machines.forEach(machine -> first.assertEquals(machine.replica()));
    }
  }

  private static void round(
      long seed, Random random, List<Machine> machines, FaultWorkload workload, boolean packs)
      throws Exception {
    FileStorage primary = machines.getFirst().storage();
    RandomFaults faults =
        new RandomFaults(
            seed,
            machines.stream().flatMap(machine -> machine.network().stream()).toList(),
            Set.of(Fault.values()));
    FutureTask<Boolean> weather = new FutureTask<>(() -> faults.run(FAULTS), true);
    Thread.ofVirtual().start(weather);
    int packed = 0;
    while (!weather.isDone()) {
      workload.step();
      check(machines);
      if (packs && random.nextInt(30) == 0) {
        packed += pack(machines, random) ? 1 : 0;
      }
      Thread.sleep(random.nextInt(10));
    }
    weather.get();
    Tid last = Replica.commit(primary, random);
    LOG.info("{}, {} undone, {} packs", faults, workload.undone(), packed);
    long healed = System.nanoTime();
    await("all are equal after " + faults)
        .atMost(HEALED)
        .pollInterval(Duration.ofMillis(20))
        .untilAsserted(
            () -> {
              check(machines);
              for (Machine machine : machines) {
                assertThat(machine.storage().lastTransaction())
                    .as("%s", machine.secondary().map(ReplicationSecondary::status))
                    .isEqualTo(last);
              }
            });
    LOG.info("equal {} ms after it healed", (System.nanoTime() - healed) / 1_000_000);
    long connections =
        machines.stream()
            .flatMap(machine -> machine.secondary().stream())
            .mapToLong(secondary -> secondary.status().connections())
            .sum();
    // Otherwise nothing was tested.
    assertThat(connections).as(faults.toString()).isGreaterThan(2L * SECONDARIES);
    assertThat(packed > 0).isEqualTo(packs);
    for (Machine machine : machines) {
      assertThat(CurrentStates.of(machine.storage())).isEqualTo(CurrentStates.of(primary));
    }
  }

  private static void check(List<Machine> machines) throws IOException {
    for (Machine machine : machines) {
      if (machine.check().isPresent()) {
        machine.check().get().check();
        assertThat(machine.secondary().orElseThrow().status().state())
            .isNotIn(SecondaryState.DIVERGED, SecondaryState.FAILED);
      }
    }
  }

  /**
   * Packs one of the machines, up to what all have: a secondary that lacks what is packed away is
   * not what is tested here.
   */
  private static boolean pack(List<Machine> machines, Random random) {
    Tid all =
        machines.stream()
            .map(machine -> machine.storage().lastTransaction())
            .min(Tid::compareTo)
            .orElseThrow();
    if (all.equals(Tid.NONE)) {
      return false;
    }
    machines.get(random.nextInt(machines.size())).storage().pack(all.previous());
    return true;
  }

  private static Stream<Long> onePythonSeed() {
    return seeds().limit(LONG ? 10 : 1).boxed();
  }

  @ParameterizedTest
  @MethodSource("onePythonSeed")
  void Python_follows_us_through_a_bad_network(long seed) throws Exception {
    Random random = new Random(seed);
    Replica ours = Replica.in(directory, "ours");
    Replica python = Replica.in(directory, "python");
    Path stop = directory.resolve("stop");
    try (FileStorage storage = open(ours);
        ReplicationPrimary primary = primary(storage);
        NetworkProxy network = new NetworkProxy(primary.address())) {
      FutureTask<byte[]> follower =
          PythonPeerTest.start(
              () ->
                  PythonPeerTest.peer(
                      "follow_live", python, true, network.address().getPort(), stop));
      FaultWorkload workload = new FaultWorkload(storage, random, true);
      await().atMost(ReplicationTest.LIMIT).until(() -> primary.connections() == 1);
      RandomFaults faults = new RandomFaults(seed, List.of(network), BEARABLE);
      FutureTask<Boolean> weather = new FutureTask<>(() -> faults.run(FAULTS), true);
      Thread.ofVirtual().start(weather);
      while (!weather.isDone()) {
        workload.step();
        Thread.sleep(random.nextInt(20));
      }
      weather.get();
      Tid last = Replica.commit(storage, random);
      PythonPeerTest.writeWhole(stop, last.toString());
      follower.get(HEALED.toSeconds() + 60, TimeUnit.SECONDS);
      LOG.info("{}, {} connections", faults, network.connections());
      assertThat(network.connections()).isGreaterThan(2);
    }
    removeHalfBlobs(python);
    ours.assertEquals(python);
  }

  /** Where a connection ends within a blob, zc.zrs leaves what had come of it. */
  private static void removeHalfBlobs(Replica python) throws IOException {
    try (Stream<Path> files = Files.list(python.blobs().resolve("tmp"))) {
      for (Path file : files.toList()) {
        assertThat(file.getFileName().toString()).startsWith("secondary");
        Files.delete(file);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("onePythonSeed")
  void we_follow_Python_through_a_bad_network(long seed) throws Exception {
    Replica ours = Replica.in(directory, "ours");
    Replica python = Replica.in(directory, "python");
    PythonPeerTest.peer("make", python, true);
    Path stop = directory.resolve("stop");
    PythonPeerTest.Serving serving =
        PythonPeerTest.serve(python, true, directory.resolve("port"), stop, 200);
    try (FileStorage storage = open(ours);
        NetworkProxy network = new NetworkProxy(serving.address());
        ReplicationSecondary secondary =
            new ReplicationSecondary(
                network.address(),
                storage,
                ReplicationTest.options(Duration.ofSeconds(1)),
                InstantSource.system())) {
      secondary.start();
      RandomFaults faults = new RandomFaults(seed, List.of(network), BEARABLE);
      faults.run(FAULTS);
      Tid last = serving.lastTid();
      LOG.info("{}, {} connections", faults, network.connections());
      await("all is here after " + faults)
          .atMost(HEALED)
          .untilAsserted(
              () ->
                  assertThat(storage.lastTransaction())
                      .as("%s", secondary.status())
                      .isEqualTo(last));
      assertThat(secondary.status().connections()).isGreaterThan(2);
      PythonPeerTest.writeWhole(stop, "");
      serving.primary().get(90, TimeUnit.SECONDS);
    }
    python.assertEquals(ours);
    assertThat(Files.size(ours.file())).isGreaterThan(1_000_000);
  }
}
