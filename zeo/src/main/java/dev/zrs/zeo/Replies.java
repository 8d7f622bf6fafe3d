package dev.zrs.zeo;

import dev.zrs.pickle.PickleTypeException;
import dev.zrs.storage.ReadOnlyStorageException;
import dev.zrs.storage.StorageException;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers the requests of one connection, in its encoding. The reader's answers wait for its next
 * flush; those of other threads, which bring a writer of their own, go out at once.
 */
final class Replies {
  private static final Logger LOG = LoggerFactory.getLogger("ZEO.asyncio.server");

  private final Encoding encoding;
  private final Outbox outbox;
  private final ClientLog log;
  private final Runnable disconnect;
  private final MessageWriter out;

  /**
   * @param disconnect ends the connection; any thread may run it
   */
  Replies(Encoding encoding, Outbox outbox, ClientLog log, Runnable disconnect) {
    this.encoding = encoding;
    this.outbox = outbox;
    this.log = log;
    this.disconnect = disconnect;
    this.out = encoding.newWriter();
  }

  Encoding encoding() {
    return encoding;
  }

  Outbox outbox() {
    return outbox;
  }

  ClientLog log() {
    return log;
  }

  /** The reader's own writer. */
  MessageWriter out() {
    return out;
  }

  /** Ends the connection soon. Any thread. */
  void disconnect() {
    disconnect.run();
  }

  /** On the reader: answers a request, unless the client expects no reply. */
  void reply(Request request, Object result) {
    if (!request.async()) {
      out.reset();
      Messages.reply(out, request.id(), result);
      outbox.reply(out.buffer(), out.size());
      out.reset();
    }
  }

  /**
   * On the reader: answers a request that failed.
   *
   * @throws ProtocolException if there can be no answer: the client would not learn of it
   */
  void fail(Request request, RuntimeException e) {
    out.reset();
    writeError(out, request, e);
    outbox.reply(out.buffer(), out.size());
    out.reset();
  }

  /** On any other thread: computes a reply and sends it. */
  void answer(Request request, Supplier<Object> call, MessageWriter to) {
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

  /** On any other thread: answers a request that failed; ends the connection if that can't be. */
  void sendError(Request request, RuntimeException e, MessageWriter to) {
    try {
      to.reset();
      writeError(to, request, e);
      outbox.send(to);
    } catch (ProtocolException fatal) {
      log.warn("%s", String.valueOf(fatal.getMessage()));
      disconnect();
    }
  }

  private void writeError(MessageWriter to, Request request, RuntimeException e) {
    RemoteError error = RemoteError.of(e);
    boolean clientsFault =
        e instanceof RequestException
            || e instanceof ReadOnlyStorageException
            || e instanceof PickleTypeException;
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
}
