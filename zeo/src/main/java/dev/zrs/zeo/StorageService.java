package dev.zrs.zeo;

import dev.zrs.pickle.PyDict;
import dev.zrs.pickle.PyNone;
import dev.zrs.storage.Storage;
import java.time.Instant;
import java.util.function.BooleanSupplier;

/** One storage with all that its clients share. Any thread may call. */
final class StorageService {
  private final String name;
  private final ServedStorage served;
  private final Abilities abilities;
  private final ZeoServerOptions options;
  private final Broadcaster broadcaster;
  private final CacheVerification verification;
  private final StorageStats stats;
  private final OpenChanges openChanges = new OpenChanges();

  StorageService(String name, ServedStorage served, ZeoServerOptions options) {
    this.name = name;
    this.served = served;
    this.abilities = Abilities.of(served.storage());
    this.options = options;
    this.broadcaster = new Broadcaster(served.storage(), options.invalidationQueueSize());
    this.verification =
        new CacheVerification(
            served.storage(), broadcaster.queue(), options.invalidationAge(), options.clock());
    this.stats = new StorageStats(options.clock().instant());
  }

  String name() {
    return name;
  }

  Storage storage() {
    return served.storage();
  }

  Abilities abilities() {
    return abilities;
  }

  boolean isReadOnly() {
    return options.readOnly() || served.isReadOnly();
  }

  /** Waits for as long as it may still turn out that writes are taken; whether they are. */
  boolean awaitWrites(BooleanSupplier gone) {
    return !options.readOnly() && served.awaitWrites(gone);
  }

  /** Has those who wait in {@link #awaitWrites} ask again whether their client has gone. */
  void wakeWriters() {
    served.gate().wake();
  }

  ZeoServerOptions options() {
    return options;
  }

  Broadcaster broadcaster() {
    return broadcaster;
  }

  CacheVerification verification() {
    return verification;
  }

  OpenChanges openChanges() {
    return openChanges;
  }

  StorageStats stats() {
    return stats;
  }

  /** The value of get_info's reply. */
  PyDict info() {
    PyDict info = new PyDict();
    info.put("length", storage().objectCount());
    info.put("size", storage().size());
    info.put("name", storage().name());
    info.put("supportsUndo", abilities.undo());
    info.put("supports_record_iternext", abilities.records());
    info.put("interfaces", abilities.pairs());
    return info;
  }

  /** What server_status and the answer to {@code ruok} tell, in Python's order. */
  PyDict status() {
    PyDict status = new PyDict();
    status.put("connections", (long) broadcaster.subscribers());
    status.put("loads", stats.loads.sum());
    status.put("stores", stats.stores.sum());
    status.put("commits", stats.commits.sum());
    status.put("aborts", stats.aborts.sum());
    status.put("active_txns", (long) stats.activeTransactions.get());
    Instant lockedSince = stats.lockedSince();
    status.put("lock_time", lockedSince == null ? PyNone.NONE : lockedSince.toEpochMilli() / 1e3);
    status.put("conflicts", stats.conflicts.sum());
    status.put("conflicts_resolved", stats.merged.sum());
    status.put("start", stats.start());
    status.put("waiting", (long) storage().commitLock().waiting());
    status.put(
        "timeout-thread-is-alive",
        options.transactionTimeout().isPresent() ? (Object) true : "stub");
    status.put("last-transaction", storage().lastTransaction().toString());
    return status;
  }
}
