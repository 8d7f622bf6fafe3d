package dev.zrs.zeo;

import dev.zrs.storage.Ancestry;
import dev.zrs.storage.Oid;
import dev.zrs.storage.Storage;
import dev.zrs.storage.StorageException;
import dev.zrs.storage.Tid;
import java.time.Duration;
import java.time.InstantSource;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Says what a client that comes back with a cache must forget: what was changed after the last
 * transaction that it knows. If that can't be said it must forget all; also if that transaction is
 * not one of this storage's, as after a failover to a server that lacked it: the cache may then
 * hold states that exist nowhere any more, and nothing that was changed here tells which. Any
 * thread may call.
 */
final class CacheVerification {
  /** With more to forget, a client is quicker with an empty cache. */
  private static final int MAX_OIDS = 200_000;

  private final Storage storage;
  private final InvalidationQueue queue;
  private final Optional<Duration> age;
  private final InstantSource clock;

  /**
   * What is known already.
   *
   * @param upTo up to which transaction; the queue has the later ones
   * @param oids what was changed until then
   */
  record Basis(Tid upTo, Set<Oid> oids) {}

  CacheVerification(
      Storage storage, InvalidationQueue queue, Optional<Duration> age, InstantSource clock) {
    this.storage = storage;
    this.queue = queue;
    this.age = age;
    this.clock = clock;
  }

  /**
   * Finds out whether it can be said at all; may read the file.
   *
   * @param after the last transaction that the client knows
   * @param wanted whether the client still waits for it
   * @return empty if the client must forget all
   */
  Optional<Basis> basis(Tid after, ClientLog log, BooleanSupplier wanted) {
    try {
      if (queue.remembers(after)) {
        return Optional.of(new Basis(after, Set.of()));
      }
      Tid oldest = queue.oldest();
      boolean reaches = oldest != null && oldest.compareTo(after) <= 0;
      if (!reaches && !isYoung(after)) {
        tellTooOld(after, oldest, log);
        return Optional.empty();
      }
      Ancestry ancestry = storage.ancestry(after, wanted);
      if (ancestry == Ancestry.UNKNOWN || ancestry == Ancestry.AHEAD) {
        log.warn(
            "its last transaction %s is not one of this storage: it comes from a server that had"
                + " others; it is to drop its cache",
            after);
        return Optional.empty();
      }
      return reaches ? Optional.of(new Basis(after, Set.of())) : read(after, log, wanted);
    } catch (StorageException e) {
      log.warn(
          "what was changed since %s can't be found out, it is to drop its cache: %s",
          after, e.getMessage());
      return Optional.empty();
    }
  }

  /**
   * All that was changed.
   *
   * @param asOf up to which transaction
   * @return null if so much was committed since that the queue does not reach back any more, or
   *     more was changed than is worth telling
   */
  @Nullable Set<Oid> changed(Basis basis, Tid asOf) {
    Set<Oid> later = queue.changed(basis.upTo(), asOf);
    if (later == null || later.size() > MAX_OIDS) {
      return null;
    }
    if (basis.oids().isEmpty()) {
      return later;
    }
    Set<Oid> all = new LinkedHashSet<>(basis.oids());
    all.addAll(later);
    return all.size() > MAX_OIDS ? null : all;
  }

  private boolean isYoung(Tid tid) {
    return age.isPresent() && tid.toInstant().plus(age.get()).isAfter(clock.instant());
  }

  private Optional<Basis> read(Tid after, ClientLog log, BooleanSupplier wanted) {
    Tid upTo = storage.lastTransaction();
    Optional<Basis> read =
        storage.changedAfter(after, upTo, MAX_OIDS, wanted).map(oids -> new Basis(upTo, oids));
    if (read.isEmpty()) {
      log.info("more than %d objects were changed since tid %s", MAX_OIDS, decimal(after));
    }
    return read;
  }

  private static void tellTooOld(Tid after, @Nullable Tid oldest, ClientLog log) {
    if (oldest == null) {
      log.info("invq empty");
    } else {
      log.info("tid to old for invq %s < %s", decimal(after), decimal(oldest));
    }
  }

  /** As Python's log has tids in these lines. */
  static String decimal(Tid tid) {
    return Long.toUnsignedString(tid.value());
  }
}
