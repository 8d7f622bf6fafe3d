package dev.zrs.zeo;

import dev.zrs.pickle.Py;
import dev.zrs.storage.Commit;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A client after its handshake: lets it choose its storage, and passes all that it asks then on to
 * a {@link StorageSession}. For the connection's reader, unless a method says otherwise.
 */
final class Session implements Broadcaster.Subscriber {
  /** The requests that bring data. They are done with at once; what waits for a thread is short. */
  private static final Set<String> CARRY_DATA =
      Set.of(
          "tpc_begin", "storea", "restorea", "storeBlobChunk", "storeBlobEnd", "storeBlobShared");

  /** Bytes in the message of any other request; a thousand ids of iterators are some 5,000. */
  private static final int MAX_WITHOUT_DATA = 16 << 10;

  private final ServerContext context;
  private final Replies replies;
  private final LoadRequest loadRequest;
  private final ConnectionThreads threads;
  private final Worker worker;
  private final MessageWriter workerOut;
  private volatile @Nullable StorageSession registered;

  /** Where the client wants to write, and will be told later whether it may. */
  private volatile @Nullable StorageService waitingFor;

  private volatile boolean ended;
  private volatile boolean sentAway;

  /** A session without a storage. */
  Session(ServerContext context, Replies replies, ConnectionThreads threads) {
    this.context = context;
    this.replies = replies;
    this.loadRequest = replies.encoding().loadRequest();
    this.threads = threads;
    this.worker =
        new Worker(
            body -> threads.start("worker", body),
            context.options().limits().maxPendingRequests(),
            replies::disconnect);
    this.workerOut = replies.encoding().newWriter();
  }

  /** Any thread. */
  @Override
  public void disconnect() {
    replies.disconnect();
  }

  /** Whether the client has this storage and reads only. Any thread. */
  boolean reads(String storage) {
    StorageSession known = registered;
    return known != null && known.service().name().equals(storage) && known.isReadOnly();
  }

  /** Whether the client has this storage. Any thread. */
  boolean uses(String storage) {
    return storage.equals(storageName());
  }

  /** The name of the client's storage; null before it has one. Any thread. */
  @Nullable String storageName() {
    StorageSession known = registered;
    return known == null ? null : known.service().name();
  }

  /**
   * Serves one message.
   *
   * @throws ProtocolException or PickleException if it is no good; the connection must end
   */
  void handle(byte[] buffer, int offset, int length) {
    StorageSession known = registered;
    if (known != null && loadRequest.matches(buffer, offset, length)) {
      known.load(loadRequest, buffer, offset);
      return;
    }
    Request request = Request.decode(replies.encoding(), buffer, offset, length);
    if (request == null) {
      return;
    }
    if (length > MAX_WITHOUT_DATA && !CARRY_DATA.contains(request.method())) {
      throw new ProtocolException(
          "a message of %d bytes for '%s'".formatted(length, request.method()));
    }
    try {
      if (known != null) {
        known.serve(request, buffer, offset, length);
      } else if (request.method().equals("register") && waitingFor == null) {
        register(request);
      } else {
        throw StorageSession.invalidMethod(request.method());
      }
    } catch (ProtocolException e) {
      throw e;
    } catch (RuntimeException e) {
      replies.fail(request, e);
    }
  }

  private void register(Request request) {
    request.expect(2, 2);
    String name = request.text(0);
    boolean wantsReadOnly = Py.asBoolean(request.argument(1));
    StorageService service = context.services().get(name);
    if (service == null) {
      replies.log().info("unknown storage_id: %s", name);
      throw new RequestException(RemoteError.builtin("ValueError", "unknown storage: " + name));
    }
    if (!wantsReadOnly && service.isReadOnly()) {
      waitingFor = service;
      worker.submit(() -> registerWriter(service, request));
      return;
    }
    register(service, request, wantsReadOnly, replies.out());
  }

  /** On the worker: registers a client that wants to write where that can't be said at once. */
  private void registerWriter(StorageService service, Request request) {
    try {
      boolean writes = service.awaitWrites(() -> ended || sentAway);
      if (sentAway) {
        workerOut.reset();
        Messages.reply(workerOut, request.id(), service.storage().lastTransaction().toBytes());
        replies.outbox().send(workerOut);
        disconnect();
        return;
      }
      if (!writes) {
        throw new RequestException(RemoteError.readOnly());
      }
      register(service, request, false, workerOut);
      // Only now: until it is registered, the reader and the end of the connection must know.
      waitingFor = null;
      replies.outbox().flushNow();
      if (sentAway) {
        disconnect();
      }
    } catch (RuntimeException e) {
      // Before the answer, which the client may follow with another request at once.
      waitingFor = null;
      replies.sendError(request, e, workerOut);
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
      StorageService service, Request request, boolean wantsReadOnly, MessageWriter to) {
    registered = new StorageSession(context, service, wantsReadOnly, replies, threads, worker);
    service
        .broadcaster()
        .join(
            this,
            last -> {
              to.reset();
              Messages.beginReply(to, request.id()).bytes8(last.value());
              Messages.endReply(to);
              replies.outbox().announce(last, Outbox.frame(to));
            });
    if (!wantsReadOnly && service.isReadOnly()) {
      // It became read-only meanwhile, and those who were there already were sent away.
      disconnect();
    }
  }

  /** On the storage's sync thread. */
  @Override
  public boolean isOriginOf(Commit commit) {
    StorageSession known = registered;
    return known != null && known.isOriginOf(commit);
  }

  /** On the sync thread. */
  @Override
  public void committed(Commit commit, SharedMessage invalidation) {
    StorageSession known = registered;
    if (known == null) {
      throw new IllegalStateException("a commit is told to a client without a storage");
    }
    known.committed(commit, invalidation);
  }

  /** Any thread, one at a time. */
  @Override
  public void inform(SharedMessage message) {
    replies.outbox().inform(message.frame(replies.encoding()));
  }

  /** At the end of the connection: ends the client's transaction, and waits for its threads. */
  void end() {
    ended = true;
    StorageService waited = waitingFor;
    if (waited != null) {
      waited.wakeWriters();
      // The worker may still register the client, and then all the rest has to be done too.
      worker.end(() -> {});
    }
    StorageSession known = registered;
    if (known == null) {
      worker.end(() -> {});
    } else {
      known.service().broadcaster().leave(this);
      known.end();
    }
  }
}
