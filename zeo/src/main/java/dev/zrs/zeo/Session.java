package dev.zrs.zeo;

import dev.zrs.pickle.PickleWriter;
import dev.zrs.pickle.Py;
import dev.zrs.pickle.PyList;
import dev.zrs.pickle.PyNone;
import dev.zrs.storage.BlobDirectory;
import dev.zrs.storage.Commit;
import dev.zrs.storage.Oid;
import dev.zrs.storage.ReadOnlyStorageException;
import dev.zrs.storage.StorageException;
import dev.zrs.storage.Tid;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A client after its handshake: takes its requests, says which thread serves them, and answers. The
 * reader serves what is quick and never waits; the worker all that may wait for the commit lock, a
 * sync, or the client. For the connection's reader, unless a method says otherwise.
 */
final class Session implements Broadcaster.Subscriber {
  private static final Logger LOG = LoggerFactory.getLogger("ZEO.asyncio.server");
  private static final int MAX_NEW_OIDS = 100;

  private final ServerContext context;
  private final Outbox outbox;
  private final ConnectionThreads threads;
  private final Worker worker;
  private final Worker queries;
  private final ClientLog log;
  private final Runnable disconnect;
  private final PickleWriter out = PickleWriter.zeo();
  private final PickleWriter workerOut = PickleWriter.zeo();
  private final PickleWriter queryOut = PickleWriter.zeo();
  private volatile boolean readOnly;
  private volatile @Nullable Registered registered;

  /** Where the client wants to write, and will be told later whether it may. */
  private volatile @Nullable StorageService waitingFor;

  private volatile boolean ended;
  private volatile boolean sentAway;

  /** What there is once the client has chosen a storage. */
  private record Registered(
      StorageService service,
      Loads loads,
      TransactionMethods transactions,
      StoreMethods stores,
      HistoryMethods history,
      IteratorMethods iterators) {}

  /**
   * A session without a storage.
   *
   * @param disconnect ends the connection; any thread may run it
   */
  Session(
      ServerContext context,
      Outbox outbox,
      ConnectionThreads threads,
      ClientLog log,
      Runnable disconnect) {
    this.context = context;
    this.outbox = outbox;
    this.threads = threads;
    int pending = context.options().limits().maxPendingRequests();
    this.worker = new Worker(body -> threads.start("worker", body), pending);
    this.queries = new Worker(body -> threads.start("queries", body), pending);
    this.log = log;
    this.disconnect = disconnect;
    this.readOnly = context.options().readOnly();
  }

  ScheduledExecutorService timers() {
    return context.timers();
  }

  /** Any thread. */
  @Override
  public void disconnect() {
    disconnect.run();
  }

  /** Whether the client has this storage and reads only. Any thread. */
  boolean reads(String storage) {
    return uses(storage) && readOnly;
  }

  /** Whether the client has this storage. Any thread. */
  boolean uses(String storage) {
    Registered known = registered;
    return known != null && known.service.name().equals(storage);
  }

  void requireWritable() {
    Registered known = registered;
    if (readOnly || (known != null && known.service.isReadOnly())) {
      throw new RequestException(RemoteError.readOnly());
    }
  }

  /** The name of the client's storage; null before it has one. */
  @Nullable String storageName() {
    Registered known = registered;
    return known == null ? null : known.service.name();
  }

  /**
   * Serves one message.
   *
   * @throws ProtocolException or PickleException if it is no good; the connection must end
   */
  void handle(byte[] buffer, int offset, int length) {
    Registered known = registered;
    if (known != null && LoadRequest.matches(buffer, offset, length)) {
      known.loads.loadBefore(
          LoadRequest.idOid(buffer, offset),
          LoadRequest.idTid(buffer, offset),
          new Oid(LoadRequest.oid(buffer, offset)),
          new Tid(LoadRequest.tid(buffer, offset)));
      return;
    }
    Request request = Request.decode(buffer, offset, length);
    if (request == null) {
      return;
    }
    try {
      if (known == null) {
        if (!request.method().equals("register") || waitingFor != null) {
          throw invalidMethod(request);
        }
        register(request);
      } else {
        serve(known, request);
      }
    } catch (ProtocolException e) {
      throw e;
    } catch (RuntimeException e) {
      out.reset();
      writeError(out, request, e);
      outbox.reply(out.buffer(), out.size());
    }
  }

  private void register(Request request) {
    request.expect(2, 2);
    String name = request.text(0);
    boolean wantsReadOnly = Py.asBoolean(request.argument(1));
    StorageService service = context.services().get(name);
    if (service == null) {
      log.info("unknown storage_id: %s", name);
      throw new RequestException(RemoteError.builtin("ValueError", "unknown storage: " + name));
    }
    if (!wantsReadOnly && service.isReadOnly()) {
      waitingFor = service;
      worker.submit(() -> registerWriter(service, request));
      return;
    }
    register(service, request, wantsReadOnly, out);
  }

  /** On the worker: registers a client that wants to write where that can't be said at once. */
  private void registerWriter(StorageService service, Request request) {
    try {
      boolean writes = service.awaitWrites(() -> ended || sentAway);
      if (sentAway) {
        workerOut.reset();
        Messages.reply(workerOut, request.id(), service.storage().lastTransaction().toBytes());
        outbox.send(workerOut);
        disconnect();
        return;
      }
      if (!writes) {
        throw new RequestException(RemoteError.readOnly());
      }
      register(service, request, false, workerOut);
      // Only now: until it is registered, the reader and the end of the connection must know.
      waitingFor = null;
      outbox.flushNow();
      if (sentAway) {
        disconnect();
      }
    } catch (RuntimeException e) {
      // Before the answer, which the client may follow with another request at once.
      waitingFor = null;
      sendError(request, e, workerOut);
    }
  }

  /**
   * Has a client that waits to write try all its servers again, this one too, when it has stopped:
   * only one that was not refused does. Any thread.
   *
   * @return whether the client waits; its connection will end then
   */
  boolean sendAway() {
    StorageService waited = waitingFor;
    if (waited == null) {
      return false;
    }
    sentAway = true;
    waited.wakeWriters();
    return true;
  }

  private void register(
      StorageService service, Request request, boolean wantsReadOnly, PickleWriter to) {
    readOnly = wantsReadOnly || service.isReadOnly();
    TransactionMethods transactions = new TransactionMethods(service, this, log);
    registered =
        new Registered(
            service,
            new Loads(service, outbox, log, out),
            transactions,
            new StoreMethods(service, transactions, log),
            new HistoryMethods(service.storage()),
            new IteratorMethods(service.storage()));
    service
        .broadcaster()
        .join(
            this,
            last -> {
              to.reset();
              Messages.beginReply(to, request.id()).bytes8(last.value());
              Messages.endReply(to);
              outbox.announce(last, Outbox.frame(to));
            });
    if (!wantsReadOnly && service.isReadOnly()) {
      // It became read-only meanwhile, and those who were there already were sent away.
      disconnect();
    }
  }

  private void serve(Registered known, Request request) {
    TransactionMethods transactions = known.transactions;
    StoreMethods stores = known.stores;
    switch (request.method()) {
      case "loadBefore" -> {
        request.expect(2, 2);
        known.loads.loadBefore(request.id(), request.oid(0), request.tid(1));
      }
      case "getTid" -> {
        request.expect(1, 1);
        known.loads.getTid(request.id(), request.oid(0));
      }
      case "lastTransaction" -> {
        request.expect(0, 0);
        known.loads.lastTransaction(request.id());
      }
      case "getInvalidations" -> {
        request.expect(1, 1);
        known.loads.getInvalidations(request.id(), request.tid(0));
      }
      case "loadSerial" -> {
        request.expect(2, 2);
        reply(request, known.service.storage().loadSerial(request.oid(0), request.tid(1)));
      }
      case "get_info" -> reply(request, known.service.info());
      case "server_status" -> reply(request, known.service.status());
      case "new_oid" -> {
        requireWritable();
        reply(request, known.service.storage().newOid().toBytes());
      }
      case "new_oids" -> reply(request, newOids(known.service, request));
      case "ping" -> {
        request.expect(0, 0);
        reply(request, PyNone.NONE);
      }
      case "set_client_label" -> {
        log.setLabel(request.text(0));
        reply(request, PyNone.NONE);
      }
      case "tpc_begin" -> {
        requireWritable();
        reply(request, transactions.begin(request));
      }
      case "storea" -> reply(request, stores.store(request));
      case "restorea" -> reply(request, stores.restore(request));
      case "checkCurrentSerialInTransaction" -> reply(request, stores.checkCurrent(request));
      case "storeBlobStart" -> reply(request, stores.blobStart(request));
      case "storeBlobChunk" -> reply(request, stores.blobChunk(request));
      case "storeBlobEnd" -> reply(request, stores.blobEnd(request));
      case "storeBlobShared" -> reply(request, stores.blobShared(request));
      case "vote" -> {
        ClientTransaction transaction = transactions.startVote(request);
        later(request, () -> transactions.vote(transaction));
      }
      case "tpc_finish" -> finish(transactions, request);
      case "tpc_abort" -> abort(transactions, request);
      case "sendBlob" -> sendBlob(known.service, request);
      case "deleteObject" -> reply(request, stores.delete(request));
      case "undoa" -> reply(request, stores.undo(request));
      case "pack" -> pack(known.service, request);
      default -> lookBack(known, request);
    }
  }

  /** What may take long and changes nothing: on a thread that no transaction waits for. */
  private void lookBack(Registered known, Request request) {
    HistoryMethods history = known.history;
    IteratorMethods iterators = known.iterators;
    Supplier<Object> call =
        switch (request.method()) {
          case "history" -> () -> history.history(request);
          case "undoLog" -> () -> history.undoLog(request);
          case "undoInfo" -> () -> history.undoInfo(request);
          case "record_iternext" -> () -> history.recordNext(request);
          case "iterator_start" -> () -> iterators.start(request);
          case "iterator_next" -> () -> iterators.next(request);
          case "iterator_record_start" -> () -> iterators.startRecords(request);
          case "iterator_record_next" -> () -> iterators.nextRecord(request);
          case "iterator_gc" -> () -> iterators.forget(request);
          default -> throw invalidMethod(request);
        };
    queries.submit(() -> answer(request, call, queryOut));
  }

  private void pack(StorageService service, Request request) {
    PackMethod method = new PackMethod(service, log);
    boolean waits = PackMethod.waits(request);
    if (!waits) {
      reply(request, PyNone.NONE);
    }
    threads.start(
        "pack",
        () -> {
          if (waits) {
            answer(request, () -> method.pack(request), PickleWriter.zeo());
          } else {
            method.packUnwatched(request);
          }
        });
  }

  private Object newOids(StorageService service, Request request) {
    request.expect(0, 1);
    requireWritable();
    long wanted = request.arguments().isEmpty() ? MAX_NEW_OIDS : Py.asLong(request.argument(0));
    PyList oids = new PyList();
    for (long i = Math.clamp(wanted, 1, MAX_NEW_OIDS); i > 0; i--) {
      oids.items().add(service.storage().newOid().toBytes());
    }
    return oids;
  }

  private void finish(TransactionMethods transactions, Request request) {
    ClientTransaction transaction = transactions.startFinish(request);
    if (transaction == null) {
      reply(request, PyNone.NONE);
      return;
    }
    worker.submit(
        () -> {
          try {
            transactions.finish(transaction);
          } catch (RuntimeException e) {
            sendError(request, e, workerOut);
          } finally {
            // The storage's sync thread has appended the reply, and leaves the writing to us.
            outbox.flushNow();
          }
        });
  }

  private void abort(TransactionMethods transactions, Request request) {
    ClientTransaction transaction = transactions.startAbort(request);
    if (transaction == null) {
      reply(request, PyNone.NONE);
      return;
    }
    later(
        request,
        () -> {
          transactions.abort(transaction);
          return PyNone.NONE;
        });
  }

  private void sendBlob(StorageService service, Request request) {
    request.expect(2, 2);
    Oid oid = request.oid(0);
    Tid serial = request.tid(1);
    BlobDirectory blobs = service.storage().blobs().orElseThrow(BlobUpload::noBlobs);
    later(
        request,
        () -> {
          BlobDownload.send(blobs, oid, serial, outbox, workerOut);
          return PyNone.NONE;
        });
  }

  private static ProtocolException invalidMethod(Request request) {
    String name = request.method();
    return new ProtocolException(
        "Invalid method, '%s'".formatted(name.substring(0, Math.min(name.length(), 60))));
  }

  private void reply(Request request, Object result) {
    if (!request.async()) {
      out.reset();
      Messages.reply(out, request.id(), result);
      outbox.reply(out.buffer(), out.size());
    }
  }

  /** Has the worker compute the reply. */
  private void later(Request request, Supplier<Object> call) {
    worker.submit(() -> answer(request, call, workerOut));
  }

  /** Computes and sends the reply; any thread, with a writer of its own. */
  private void answer(Request request, Supplier<Object> call, PickleWriter to) {
    try {
      Object result = call.get();
      if (!request.async()) {
        to.reset();
        Messages.reply(to, request.id(), result);
        outbox.send(to);
      }
    } catch (RuntimeException e) {
      sendError(request, e, to);
    }
  }

  private void sendError(Request request, RuntimeException e, PickleWriter to) {
    try {
      to.reset();
      writeError(to, request, e);
      outbox.send(to);
    } catch (ProtocolException fatal) {
      log.warn("%s", String.valueOf(fatal.getMessage()));
      disconnect();
    }
  }

  /**
   * Writes the reply to a request that failed.
   *
   * @throws ProtocolException if there can be none: the client would not learn of it
   */
  private void writeError(PickleWriter to, Request request, RuntimeException e) {
    RemoteError error = RemoteError.of(e);
    boolean clientsFault = e instanceof RequestException || e instanceof ReadOnlyStorageException;
    if (e instanceof StorageException && !error.isNormal() && !clientsFault) {
      // Its message says all: the disk is full, a record is damaged, and where.
      LOG.error("({}) '{}' failed: {}", log.label(), request.method(), e.getMessage());
    } else if (!error.isNormal() && !clientsFault) {
      LOG.error("({}) '{}' raised exception", log.label(), request.method(), e);
    } else if (!error.isNormal() && !request.async()) {
      LOG.info("({}) '{}' raised exception: {}", log.label(), request.method(), e.getMessage());
    }
    if (request.async()) {
      throw new ProtocolException(
          "async '%s' raised exception: %s".formatted(request.method(), e.getMessage()));
    }
    Messages.error(to, request.id(), error);
  }

  /** On the storage's sync thread. */
  @Override
  public boolean isOriginOf(Commit commit) {
    Registered known = registered;
    return known != null && known.transactions.isOriginOf(commit);
  }

  /** On the sync thread. */
  @Override
  public void committed(Commit commit, Broadcaster.Invalidation invalidation) {
    Registered known = registered;
    if (known == null || !known.transactions.committed(commit, outbox)) {
      outbox.announce(commit.tid(), invalidation.frame());
    }
  }

  /** Any thread. */
  @Override
  public void inform(byte[] frame) {
    outbox.inform(frame);
  }

  /** At the end of the connection: ends the client's transaction, and waits for its worker. */
  void end() {
    ended = true;
    StorageService waited = waitingFor;
    if (waited != null) {
      waited.wakeWriters();
      // The worker may still register the client, and then all the rest has to be done too.
      worker.end(() -> {});
    }
    Registered known = registered;
    if (known == null) {
      worker.end(() -> {});
      return;
    }
    known.service.broadcaster().leave(this);
    known.stores.disconnected();
    queries.end(known.iterators::close);
    ClientTransaction transaction = known.transactions.disconnected();
    worker.end(
        () -> {
          if (transaction != null) {
            known.transactions.abort(transaction);
          }
        });
  }
}
