package dev.zrs.zeo;

import dev.zrs.pickle.Py;
import dev.zrs.pickle.PyDict;
import dev.zrs.pickle.PyList;
import dev.zrs.pickle.PyNone;
import dev.zrs.pickle.PyTuple;
import dev.zrs.storage.Commit;
import dev.zrs.storage.CommitLock;
import dev.zrs.storage.ConflictException;
import dev.zrs.storage.StorageException;
import dev.zrs.storage.Tid;
import dev.zrs.storage.TransactionBuffer;
import dev.zrs.storage.TransactionMetadata;
import dev.zrs.storage.UnresolvedConflicts;
import dev.zrs.storage.Vote;
import dev.zrs.storage.VotedTransaction;
import dev.zrs.zeo.ClientTransaction.State;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * The two-phase commit of one client. Methods are for the connection's reader unless they say
 * otherwise; which of them run on the worker is the {@link StorageSession}'s business.
 */
final class TransactionMethods {
  /** How long a conflict may wait for its winner's announcement; the sync thread is that slow. */
  private static final Duration ANNOUNCE_LIMIT = Duration.ofSeconds(30);

  /** Clients use addresses in their memory; the number goes to logs and into answers. */
  private static final int MAX_ID_BITS = 256;

  private final StorageService service;
  private final StorageSession session;
  private final Replies replies;
  private final ClientLog log;
  private final AtomicReference<@Nullable ClientTransaction> current = new AtomicReference<>();

  TransactionMethods(StorageService service, StorageSession session, Replies replies) {
    this.service = service;
    this.session = session;
    this.replies = replies;
    this.log = replies.log();
  }

  void requireWritable() {
    session.requireWritable();
  }

  Object begin(Request request) {
    request.expect(4, 6);
    Object id = request.argument(0);
    if (!isId(id)) {
      throw request.wrongKind(0, "an integer of at most " + MAX_ID_BITS + " bits");
    }
    ClientTransaction running = current.get();
    if (running != null) {
      if (running.id().equals(id)) {
        log.info("duplicate tpc_begin(%s)", id);
        return PyNone.NONE;
      }
      throw new RequestException(
          RemoteError.storageTransactionError(
              "Multiple simultaneous tpc_begin requests from one client."));
    }
    ClientTransaction transaction = new ClientTransaction(id);
    Tid tid = request.tidOrNone(4);
    char status = status(request);
    transaction.attempt(
        () -> {
          TransactionMetadata metadata =
              new TransactionMetadata(
                  utf8(request, 1), utf8(request, 2), Extension.stored(request.argument(3)));
          TransactionBuffer buffer = service.storage().begin(metadata, tid, status, transaction);
          if (service.options().clientConflictResolution()) {
            buffer.leaveConflicts();
          }
          transaction.setBuffer(buffer);
        });
    service.stats().activeTransactions.incrementAndGet();
    current.set(transaction);
    return PyNone.NONE;
  }

  private static byte[] utf8(Request request, int index) {
    return switch (request.argument(index)) {
      case byte[] bytes -> bytes;
      case String text -> text.getBytes(StandardCharsets.UTF_8);
      default -> throw request.wrongKind(index, "a str or bytes");
    };
  }

  private static char status(Request request) {
    if (request.arguments().size() <= 5) {
      return ' ';
    }
    byte[] status = utf8(request, 5);
    if (status.length != 1) {
      throw request.wrongKind(5, "one character");
    }
    return (char) (status[0] & 0xff);
  }

  /** The transaction that an argument names, which must still be open for changes. */
  ClientTransaction open(Request request, int index) {
    ClientTransaction transaction = require(request, index);
    if (!transaction.state().takesChanges()) {
      throw new RequestException(RemoteError.storageTransactionError("Already voting"));
    }
    return transaction;
  }

  private ClientTransaction require(Request request, int index) {
    Object id = request.argument(index);
    ClientTransaction transaction = find(request, id);
    if (transaction == null) {
      ClientTransaction running = current.get();
      throw new RequestException(
          RemoteError.storageTransactionError(
              running == null ? PyNone.NONE : running.id(), isId(id) ? id : PyNone.NONE));
    }
    return transaction;
  }

  private @Nullable ClientTransaction find(Request request, Object id) {
    session.requireWritable();
    ClientTransaction running = current.get();
    if (running != null && running.id().equals(id)) {
      return running;
    }
    if (!request.method().equals("tpc_abort")) {
      if (running == null) {
        log.warn("no current transaction: %s()", request.method());
      } else {
        log.warn(
            "%s(%s) invalid; current transaction = %s",
            request.method(), describe(id), running.id());
      }
    }
    return null;
  }

  private static boolean isId(Object id) {
    return id instanceof Long
        || (id instanceof BigInteger number && number.bitLength() <= MAX_ID_BITS);
  }

  private static String describe(Object id) {
    return id instanceof Long ? id.toString() : Py.describe(id);
  }

  /** Begins the vote; {@link #vote} goes on with it on the worker. */
  ClientTransaction startVote(Request request) {
    request.expect(1, 1);
    ClientTransaction transaction = require(request, 0);
    switch (transaction.state()) {
      case OPEN, CONFLICTING -> {}
      case VOTING ->
          throw new RequestException(
              RemoteError.storageTransactionError("Already voting (waiting)"));
      case VOTED, FINISHING ->
          throw new RequestException(
              RemoteError.storageTransactionError("Already voting (locked)"));
    }
    // It may have begun before the server became a secondary.
    session.requireWritable();
    if (transaction.state() == State.OPEN) {
      transaction.setClaim(service.storage().commitLock().claim(log.label()));
    }
    transaction.stopTimer();
    transaction.setState(State.VOTING);
    return transaction;
  }

  /** On the worker: waits for the commit lock and votes. Returns the reply. */
  Object vote(ClientTransaction transaction) {
    try {
      return switch (tryVote(transaction)) {
        case VotedTransaction voted -> voted(transaction, voted);
        case UnresolvedConflicts found -> conflicting(transaction, found);
      };
    } catch (ConflictException e) {
      service.stats().conflicts.increment();
      log.debug("conflict error %s", e.getMessage());
      clear(transaction);
      awaitAnnounced(e.committed());
      throw e;
    } catch (CommitLock.CancelledException e) {
      log.lockEvent(service.name(), "dequeue lock", service.storage().commitLock().waiting());
      clear(transaction);
      throw new RequestException(
          RemoteError.storageTransactionError("aborted while it waited for the commit lock"));
    } catch (RuntimeException e) {
      clear(transaction);
      throw e;
    }
  }

  private Vote tryVote(ClientTransaction transaction) {
    RuntimeException failure = transaction.failure();
    if (failure != null) {
      throw failure;
    }
    TransactionBuffer buffer = Objects.requireNonNull(transaction.buffer());
    CommitLock.Claim claim = Objects.requireNonNull(transaction.claim());
    CommitLock lock = service.storage().commitLock();
    if (lock.holder().isPresent() && !claim.isHeld()) {
      log.lockEvent(service.name(), "queue lock", lock.waiting() + 1);
    }
    log.debug(
        "Preparing to commit transaction: %d objects, %d bytes",
        buffer.recordCount(), buffer.byteCount());
    Vote vote = service.storage().tryVote(buffer, claim);
    log.lockEvent(service.name(), "lock", lock.waiting());
    service.stats().locked(transaction, service.options().clock().instant());
    return vote;
  }

  private Object voted(ClientTransaction transaction, VotedTransaction voted) {
    transaction.setVoted(voted);
    service
        .options()
        .transactionTimeout()
        .ifPresent(limit -> startTimer(transaction, limit, limit));
    transaction.setState(State.VOTED);
    PyList changed = new PyList();
    voted.undoneOids().forEach(oid -> changed.items().add(oid.toBytes()));
    voted.mergedOids().forEach(oid -> changed.items().add(oid.toBytes()));
    service.stats().merged.add(voted.mergedOids().size());
    return changed;
  }

  /**
   * Has the client resolve what the server can't: it alone knows the classes. It keeps the commit
   * lock, so that it need not do so again and again under contention.
   */
  private Object conflicting(ClientTransaction transaction, UnresolvedConflicts found) {
    service.stats().conflicts.increment();
    awaitAnnounced(found.lastCommitted());
    Duration limit = conflictLimit();
    startTimer(transaction, transaction.timeToResolve(limit), limit);
    PyList conflicts = new PyList();
    for (ConflictException conflict : found.conflicts()) {
      log.debug("conflict for the client: %s", conflict.getMessage());
      conflicts
          .items()
          .add(
              PyDict.ofPairs(
                  "oid",
                  conflict.oid().toBytes(),
                  "serials",
                  PyTuple.of(conflict.committed().toBytes(), conflict.read().toBytes()),
                  "data",
                  Objects.requireNonNull(conflict.data())));
    }
    transaction.setState(State.CONFLICTING);
    return conflicts;
  }

  private Duration conflictLimit() {
    Duration limit = service.options().limits().conflictTimeout();
    return service
        .options()
        .transactionTimeout()
        .filter(timeout -> timeout.compareTo(limit) < 0)
        .orElse(limit);
  }

  /** The client tries again at once: it must have the invalidation by then. */
  private void awaitAnnounced(Tid committed) {
    service.storage().feed().awaitAfter(committed.previous(), ANNOUNCE_LIMIT);
  }

  private void startTimer(ClientTransaction transaction, Duration left, Duration limit) {
    transaction.setTimer(
        session
            .timers()
            .schedule(
                () -> {
                  log.critical("Transaction timeout after %s seconds", seconds(limit));
                  replies.disconnect();
                },
                left.toNanos(),
                TimeUnit.NANOSECONDS));
  }

  private static String seconds(Duration limit) {
    return limit.toMillis() % 1000 == 0
        ? String.valueOf(limit.toSeconds())
        : String.valueOf(limit.toNanos() / 1e9);
  }

  /** Begins the finish; {@link #finish} goes on. Null if there is nothing to finish. */
  @Nullable ClientTransaction startFinish(Request request) {
    request.expect(1, 1);
    ClientTransaction transaction = find(request, request.argument(0));
    if (transaction == null) {
      return null;
    }
    if (transaction.state() != State.VOTED) {
      throw new RequestException(RemoteError.builtin("AssertionError", "finished called wo lock"));
    }
    transaction.setFinishRequest(request);
    transaction.setState(State.FINISHING);
    return transaction;
  }

  /** On the worker: makes it durable. The reply comes from {@link #committed}. */
  void finish(ClientTransaction transaction) {
    transaction.stopTimer();
    try {
      Objects.requireNonNull(transaction.voted()).finish();
      service.stats().commits.increment();
    } finally {
      clear(transaction);
    }
    if (!transaction.isTold()) {
      ClientLog.LOG.error("({}) its commit was not announced", log.label());
      replies.disconnect();
    }
  }

  /** On the sync thread: whether the commit is that of the transaction that is being finished. */
  boolean isOriginOf(Commit commit) {
    return commit.origin() instanceof ClientTransaction transaction && current.get() == transaction;
  }

  /**
   * On the sync thread: tells the client, if the commit is its own.
   *
   * @return whether it is
   */
  boolean committed(Commit commit) {
    if (!(commit.origin() instanceof ClientTransaction transaction) || !isOriginOf(commit)) {
      return false;
    }
    transaction.setTold();
    // Before the reply leaves, as the client may begin its next transaction then.
    release(transaction);
    MessageWriter out = replies.encoding().newWriter();
    Messages.info(out, service.storage().objectCount(), service.storage().size());
    byte[] info = Outbox.frame(out);
    Request request = transaction.finishRequest();
    if (request == null || request.async()) {
      replies.outbox().announceOwn(commit.tid(), info);
    } else {
      out.reset();
      Messages.beginReply(out, request.id()).bytes8(commit.tid().value());
      Messages.endReply(out);
      replies.outbox().announceOwn(commit.tid(), info, Outbox.frame(out));
    }
    return true;
  }

  /**
   * Ends the transaction that a request names, if it is one that no worker has.
   *
   * @return the transaction that {@link #abort} must end on the worker; null if all is done
   */
  @Nullable ClientTransaction startAbort(Request request) {
    request.expect(1, 1);
    ClientTransaction transaction = find(request, request.argument(0));
    if (transaction == null) {
      return null;
    }
    service.stats().aborts.increment();
    return leave(transaction);
  }

  private @Nullable ClientTransaction leave(ClientTransaction transaction) {
    if (transaction.state().takesChanges()) {
      clear(transaction);
      return null;
    }
    var claim = transaction.claim();
    if (claim != null) {
      claim.cancel();
    }
    return transaction;
  }

  /** On the worker: ends a transaction that was voted, or failed to be. */
  void abort(ClientTransaction transaction) {
    clear(transaction);
  }

  /**
   * At the connection's end.
   *
   * @return the transaction that {@link #abort} must end on the worker
   */
  @Nullable ClientTransaction disconnected() {
    ClientTransaction transaction = current.get();
    if (transaction == null) {
      log.info("disconnected");
      return null;
    }
    log.info(
        "disconnected during %s transaction",
        transaction.state().isLocked() ? "locked" : "unlocked");
    return leave(transaction);
  }

  private void clear(ClientTransaction transaction) {
    VotedTransaction voted = transaction.voted();
    CommitLock.Claim claim = transaction.claim();
    TransactionBuffer buffer = transaction.buffer();
    try (buffer) {
      boolean locked = voted != null || (claim != null && claim.isHeld());
      if (voted != null) {
        voted.abort();
      } else if (claim != null) {
        claim.release();
      }
      if (locked) {
        log.lockEvent(service.name(), "unlock", service.storage().commitLock().waiting());
      }
    } catch (StorageException e) {
      ClientLog.LOG.error("({}) ending a transaction: {}", log.label(), e.toString());
    } finally {
      release(transaction);
    }
  }

  private void release(ClientTransaction transaction) {
    transaction.stopTimer();
    if (current.compareAndSet(transaction, null)) {
      service.openChanges().remove(transaction.changes());
      service.stats().activeTransactions.decrementAndGet();
      service.stats().unlocked(transaction);
    }
  }
}
