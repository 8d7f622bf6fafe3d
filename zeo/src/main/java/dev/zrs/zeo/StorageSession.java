package dev.zrs.zeo;

import dev.zrs.pickle.Py;
import dev.zrs.pickle.PyList;
import dev.zrs.pickle.PyNone;
import dev.zrs.storage.Commit;
import dev.zrs.storage.Oid;
import dev.zrs.storage.Tid;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * A client that has chosen its storage: says which thread serves each of its requests, and has the
 * answers sent. The reader serves what is quick and never waits; the worker all that may wait for
 * the commit lock or a sync; the threads for queries and downloads what may take long. For the
 * connection's reader, unless a method says otherwise.
 */
final class StorageSession {
  private static final int MAX_NEW_OIDS = 100;

  private final ServerContext context;
  private final StorageService service;
  private final boolean readOnly;
  private final Replies replies;
  private final ConnectionThreads threads;
  private final Worker worker;
  private final Worker queries;
  private final Worker downloads;
  private final ClientLog log;
  private final Loads loads;
  private final TransactionMethods transactions;
  private final StoreMethods stores;
  private final HistoryMethods history;
  private final IteratorMethods iterators;
  private final MessageWriter workerOut;
  private final MessageWriter queryOut;
  private final MessageWriter downloadOut;

  /** Whether the client has a pack going on. */
  private final AtomicBoolean packing = new AtomicBoolean();

  /**
   * @param readOnly whether the client only wants to read
   * @param worker the connection's worker, which the caller ends
   */
  StorageSession(
      ServerContext context,
      StorageService service,
      boolean readOnly,
      Replies replies,
      ConnectionThreads threads,
      Worker worker) {
    this.context = context;
    this.service = service;
    this.readOnly = readOnly || service.isReadOnly();
    this.replies = replies;
    this.threads = threads;
    this.worker = worker;
    this.log = replies.log();
    int pending = context.options().limits().maxPendingRequests();
    this.queries = new Worker(body -> threads.start("queries", body), pending, replies::disconnect);
    this.downloads =
        new Worker(body -> threads.start("downloads", body), pending, replies::disconnect);
    this.workerOut = replies.encoding().newWriter();
    this.queryOut = replies.encoding().newWriter();
    this.downloadOut = replies.encoding().newWriter();
    this.loads = new Loads(service, replies);
    this.transactions = new TransactionMethods(service, this, replies);
    this.stores = new StoreMethods(service, transactions, log);
    this.history =
        new HistoryMethods(service.storage(), service.abilities(), replies.outbox()::isClosed);
    this.iterators = new IteratorMethods(service.storage());
  }

  /** Any thread. */
  StorageService service() {
    return service;
  }

  /** Whether the client reads only. Any thread. */
  boolean isReadOnly() {
    return readOnly;
  }

  ScheduledExecutorService timers() {
    return context.timers();
  }

  /** Any thread. */
  void requireWritable() {
    if (readOnly || service.isReadOnly()) {
      throw new RequestException(RemoteError.readOnly());
    }
  }

  /** Serves the most frequent request, which the caller has recognised. */
  void load(LoadRequest form, byte[] buffer, int offset) {
    loads.loadBefore(
        form.idOid(buffer, offset),
        form.idTid(buffer, offset),
        new Oid(form.oid(buffer, offset)),
        new Tid(form.tid(buffer, offset)));
  }

  /**
   * Serves one message. On the reader.
   *
   * @throws ProtocolException if the connection must end
   */
  void serve(Request request, byte[] buffer, int offset, int length) {
    switch (request.method()) {
      case "loadBefore" -> {
        request.expect(2, 2);
        loads.loadBefore(request.id(), request.oid(0), request.tid(1));
      }
      case "getTid" -> {
        request.expect(1, 1);
        loads.getTid(request.id(), request.oid(0));
      }
      case "lastTransaction" -> {
        request.expect(0, 0);
        loads.lastTransaction(request.id());
      }
      case "getInvalidations" -> {
        request.expect(1, 1);
        loads.getInvalidations(request.id(), request.tid(0));
      }
      case "loadSerial" -> {
        request.expect(2, 2);
        replies.reply(request, service.storage().loadSerial(request.oid(0), request.tid(1)));
      }
      case "get_info" -> replies.reply(request, service.info());
      case "server_status" -> replies.reply(request, service.status());
      case "new_oid" -> {
        requireWritable();
        replies.reply(request, service.storage().newOid().toBytes());
      }
      case "new_oids" -> replies.reply(request, newOids(request));
      case "ping" -> {
        request.expect(0, 0);
        replies.reply(request, PyNone.NONE);
      }
      case "set_client_label" -> {
        log.setLabel(request.text(0));
        replies.reply(request, PyNone.NONE);
      }
      case "tpc_begin" -> {
        requireWritable();
        replies.reply(request, transactions.begin(request));
      }
      case "storea" -> replies.reply(request, stores.store(request));
      case "restorea" -> replies.reply(request, stores.restore(request));
      case "checkCurrentSerialInTransaction" ->
          replies.reply(request, stores.checkCurrent(request));
      case "storeBlobStart" -> replies.reply(request, stores.blobStart(request));
      case "storeBlobChunk" -> replies.reply(request, stores.blobChunk(request));
      case "storeBlobEnd" -> replies.reply(request, stores.blobEnd(request));
      case "storeBlobShared" -> replies.reply(request, stores.blobShared(request));
      case "vote" -> {
        ClientTransaction transaction = transactions.startVote(request);
        later(request, () -> transactions.vote(transaction));
      }
      case "tpc_finish" -> finish(request);
      case "tpc_abort" -> abort(request);
      case "sendBlob" -> sendBlob(request);
      case "deleteObject" -> replies.reply(request, stores.delete(request));
      case "undoa" -> replies.reply(request, stores.undo(request));
      case "pack" -> pack(request);
      default -> lookBack(request.method(), Arrays.copyOfRange(buffer, offset, offset + length));
    }
  }

  /**
   * What may take long and changes nothing: on a thread that no transaction waits for. It waits
   * there as the bytes that came, because the values in them can be a hundred times as large.
   */
  private void lookBack(String method, byte[] message) {
    Function<Request, Object> call =
        switch (method) {
          case "history" -> history::history;
          case "undoLog" -> history::undoLog;
          case "undoInfo" -> history::undoInfo;
          case "record_iternext" -> history::recordNext;
          case "iterator_start" -> iterators::start;
          case "iterator_next" -> iterators::next;
          case "iterator_record_start" -> iterators::startRecords;
          case "iterator_record_next" -> iterators::nextRecord;
          case "iterator_gc" -> iterators::forget;
          default -> throw invalidMethod(method);
        };
    queries.submit(
        () -> {
          if (!replies.outbox().isClosed()) {
            Request request =
                Objects.requireNonNull(
                    Request.decode(replies.encoding(), message, 0, message.length));
            replies.answer(request, () -> call.apply(request), queryOut);
          }
        });
  }

  private void pack(Request request) {
    PackMethod method = new PackMethod(service, log);
    boolean waits = PackMethod.waits(request);
    boolean another = packing.getAndSet(true);
    if (another && waits) {
      // Each has a thread of its own, and the storage would refuse it, too.
      throw new RequestException(RemoteError.storageError("Already packing"));
    }
    if (!waits) {
      replies.reply(request, PyNone.NONE);
    }
    if (another) {
      log.info("'pack' failed: Already packing");
      return;
    }
    threads.start(
        "pack",
        () -> {
          if (waits) {
            MessageWriter to = replies.encoding().newWriter();
            replies.answer(request, () -> packed(method, request), to);
          } else {
            try {
              method.packUnwatched(request);
            } finally {
              packing.set(false);
            }
          }
        });
  }

  private Object packed(PackMethod method, Request request) {
    try {
      return method.pack(request);
    } finally {
      // Before the answer: the client may ask for the next one when it has it.
      packing.set(false);
    }
  }

  private Object newOids(Request request) {
    request.expect(0, 1);
    requireWritable();
    long wanted = request.arguments().isEmpty() ? MAX_NEW_OIDS : Py.asLong(request.argument(0));
    PyList oids = new PyList();
    for (long i = Math.clamp(wanted, 1, MAX_NEW_OIDS); i > 0; i--) {
      oids.items().add(service.storage().newOid().toBytes());
    }
    return oids;
  }

  private void finish(Request request) {
    ClientTransaction transaction = transactions.startFinish(request);
    if (transaction == null) {
      replies.reply(request, PyNone.NONE);
      return;
    }
    worker.submit(
        () -> {
          try {
            transactions.finish(transaction);
          } catch (RuntimeException e) {
            replies.sendError(request, e, workerOut);
          } finally {
            // The storage's sync thread has appended the reply, and leaves the writing to us.
            replies.outbox().flushNow();
          }
        });
  }

  private void abort(Request request) {
    ClientTransaction transaction = transactions.startAbort(request);
    if (transaction == null) {
      replies.reply(request, PyNone.NONE);
      return;
    }
    later(
        request,
        () -> {
          transactions.abort(transaction);
          return PyNone.NONE;
        });
  }

  private void sendBlob(Request request) {
    request.expect(2, 2);
    Oid oid = request.oid(0);
    Tid serial = request.tid(1);
    // Not on the worker: a vote or a finish must not wait until the client has read a large blob.
    downloads.submit(
        () ->
            replies.answer(
                request,
                () -> {
                  BlobDownload.send(service.storage(), oid, serial, replies.outbox(), downloadOut);
                  return PyNone.NONE;
                },
                downloadOut));
  }

  /** Has the worker compute the reply. */
  private void later(Request request, Supplier<Object> call) {
    worker.submit(() -> replies.answer(request, call, workerOut));
  }

  static ProtocolException invalidMethod(String name) {
    return new ProtocolException(
        "Invalid method, '%s'".formatted(name.substring(0, Math.min(name.length(), 60))));
  }

  /** On the storage's sync thread: whether the commit is the client's own. */
  boolean isOriginOf(Commit commit) {
    return transactions.isOriginOf(commit);
  }

  /** On the sync thread. */
  void committed(Commit commit, SharedMessage invalidation) {
    if (!transactions.committed(commit)) {
      replies.outbox().announce(commit.tid(), invalidation.frame(replies.encoding()));
    }
  }

  /**
   * At the end of the connection: ends the client's transaction, and waits for its threads. The
   * transaction first: it may hold the commit lock.
   */
  void end() {
    ClientTransaction transaction = transactions.disconnected();
    worker.end(
        () -> {
          if (transaction != null) {
            transactions.abort(transaction);
          }
        });
    stores.disconnected();
    downloads.end(() -> {});
    queries.end(iterators::close);
  }
}
