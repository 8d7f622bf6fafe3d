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
import java.util.Set;
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

  /** Methods that clients may call, but that are not there. */
  private static final Set<String> MISSING =
      Set.of(
          "pack",
          "history",
          "record_iternext",
          "undoLog",
          "undoInfo",
          "iterator_start",
          "iterator_next",
          "iterator_record_start",
          "iterator_record_next",
          "iterator_gc");

  /** Such methods as are a part of a transaction, which must fail then. */
  private static final Set<String> MISSING_IN_TRANSACTION = Set.of("undoa", "deleteObject");

  private final ServerContext context;
  private final Outbox outbox;
  private final Worker worker;
  private final ClientLog log;
  private final Runnable disconnect;
  private final PickleWriter out = PickleWriter.zeo();
  private final PickleWriter workerOut = PickleWriter.zeo();
  private boolean readOnly;
  private @Nullable Registered registered;

  /** What there is once the client has chosen a storage. */
  private record Registered(
      StorageService service, Loads loads, TransactionMethods transactions, StoreMethods stores) {}

  /**
   * A session without a storage.
   *
   * @param disconnect ends the connection; any thread may run it
   */
  Session(ServerContext context, Outbox outbox, Worker worker, ClientLog log, Runnable disconnect) {
    this.context = context;
    this.outbox = outbox;
    this.worker = worker;
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

  void requireWritable() {
    if (readOnly) {
      throw new RequestException(RemoteError.readOnly());
    }
  }

  /** The name of the client's storage; null before it has one. */
  @Nullable String storageName() {
    return registered == null ? null : registered.service.name();
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
        if (!request.method().equals("register")) {
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
      throw new RequestException(RemoteError.readOnly());
    }
    readOnly = wantsReadOnly || service.isReadOnly();
    TransactionMethods transactions = new TransactionMethods(service, this, log);
    registered =
        new Registered(
            service,
            new Loads(service, outbox, log, out),
            transactions,
            new StoreMethods(service, transactions, log));
    service
        .broadcaster()
        .join(
            this,
            last -> {
              out.reset();
              Messages.beginReply(out, request.id()).bytes8(last.value());
              Messages.endReply(out);
              outbox.announce(last, Outbox.frame(out));
            });
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
      default -> missing(transactions, request);
    }
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
            sendError(request, e);
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

  private void missing(TransactionMethods transactions, Request request) {
    String method = request.method();
    boolean inTransaction = MISSING_IN_TRANSACTION.contains(method);
    if (!inTransaction && !MISSING.contains(method)) {
      throw invalidMethod(request);
    }
    String message = method + " is not supported by this version of zrs";
    if (context.missingMethods().add(method)) {
      log.info("%s", message);
    }
    RequestException error = new RequestException(RemoteError.storageError(message));
    if (inTransaction && request.async()) {
      transactions.failCurrent(error);
    } else if (!request.async()) {
      throw error;
    }
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
    worker.submit(
        () -> {
          try {
            Object result = call.get();
            if (!request.async()) {
              workerOut.reset();
              Messages.reply(workerOut, request.id(), result);
              outbox.send(workerOut);
            }
          } catch (RuntimeException e) {
            sendError(request, e);
          }
        });
  }

  private void sendError(Request request, RuntimeException e) {
    try {
      workerOut.reset();
      writeError(workerOut, request, e);
      outbox.send(workerOut);
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

  /** At the end of the connection: ends the client's transaction, and waits for its worker. */
  void end() {
    Registered known = registered;
    if (known == null) {
      worker.end(() -> {});
      return;
    }
    known.service.broadcaster().leave(this);
    known.stores.disconnected();
    ClientTransaction transaction = known.transactions.disconnected();
    worker.end(
        () -> {
          if (transaction != null) {
            known.transactions.abort(transaction);
          }
        });
  }
}
