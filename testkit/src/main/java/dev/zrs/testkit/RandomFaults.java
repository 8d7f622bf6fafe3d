package dev.zrs.testkit;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;

/**
 * Hurts networks at random. The same seed brings the same faults in the same order; what exactly
 * passes when one hits is up to the threads. For one thread.
 */
public final class RandomFaults {
  /** What can happen. */
  public enum Fault {
    DELAY,
    SLOW,
    STALL,
    CLOSE,
    RESET,
    CUT_WITHIN,
    HALF_CLOSE,
    REFUSE,
    FLIP,
    CALM
  }

  private static final int LONGEST_PAUSE_MILLIS = 80;
  private static final int LONGEST_STALL_MILLIS = 1_500;
  private static final int LONGEST_REFUSAL_MILLIS = 300;
  private static final int LONGEST_LATENCY_MILLIS = 60;

  /** How far away the place of a cut or of a changed byte is at most. */
  private static final int REACH = 60_000;

  private final long seed;
  private final Random random;
  private final List<NetworkProxy> networks;
  private final List<Fault> faults;
  private final List<String> history = new ArrayList<>();

  /**
   * @param faults which of them may happen
   */
  public RandomFaults(long seed, List<NetworkProxy> networks, Set<Fault> faults) {
    this.seed = seed;
    this.random = new Random(seed);
    this.networks = List.copyOf(networks);
    this.faults = faults.stream().sorted().toList();
  }

  /** One fault after the other for a time; then all networks are healed. */
  public void run(Duration time) {
    long end = System.nanoTime() + time.toNanos();
    try {
      while (end - System.nanoTime() > 0) {
        history.add(next());
        Thread.sleep(random.nextInt(LONGEST_PAUSE_MILLIS));
      }
    } catch (InterruptedException e) {
      throw new AssertionError("interrupted within " + this, e);
    } finally {
      networks.forEach(NetworkProxy::heal);
    }
  }

  private String next() {
    int place = random.nextInt(networks.size());
    NetworkProxy network = networks.get(place);
    Fault fault = faults.get(random.nextInt(faults.size()));
    Way way = random.nextBoolean() ? Way.TO_SERVER : Way.TO_CLIENT;
    int number = random.nextInt(REACH);
    switch (fault) {
      case DELAY ->
          network.set(
              way,
              Traffic.GOOD.withLatency(
                  Duration.ofMillis(number % LONGEST_LATENCY_MILLIS),
                  Duration.ofMillis(1 + number % 7)));
      case SLOW -> network.set(way, Traffic.GOOD.withRate(20_000L + 50L * number));
      case STALL -> network.stall(way, Duration.ofMillis(number % LONGEST_STALL_MILLIS));
      case CLOSE -> network.each(ProxiedConnection::close);
      case RESET -> network.each(ProxiedConnection::reset);
      case CUT_WITHIN ->
          network.each(
              each -> {
                if (number % 2 == 0) {
                  each.cutAfter(Way.TO_CLIENT, each.passed(Way.TO_CLIENT) + number);
                } else {
                  each.resetAfter(Way.TO_CLIENT, each.passed(Way.TO_CLIENT) + number);
                }
              });
      case HALF_CLOSE -> network.each(each -> each.halfClose(way));
      case REFUSE -> {
        network.refuse(Duration.ofMillis(number % LONGEST_REFUSAL_MILLIS));
        network.each(ProxiedConnection::close);
      }
      case FLIP -> {
        // What goes to the server is little.
        int ahead = number % (way == Way.TO_SERVER ? 60 : 3_000);
        network.each(each -> each.flipAt(way, each.passed(way) + ahead));
      }
      case CALM -> network.heal();
    }
    return "%s %s %s %d".formatted(place, fault, way, number);
  }

  /** What has happened, in its order. */
  @Override
  public String toString() {
    return "seed " + seed + ": " + history;
  }
}
