package dev.zrs.zeo;

import dev.zrs.storage.CorruptDataException;
import dev.zrs.storage.NoSuchObjectException;
import dev.zrs.storage.Oid;
import dev.zrs.storage.Revision;
import dev.zrs.storage.Storage;
import dev.zrs.storage.StorageException;
import dev.zrs.storage.Tid;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Answers that depend on what is current for the client; {@link Outbox} says why they are all "as
 * of" a transaction. For the connection's reader only.
 */
final class Loads {
  private final StorageService service;
  private final Storage storage;
  private final Outbox outbox;
  private final ClientLog log;
  private final MessageWriter out;

  Loads(StorageService service, Replies replies) {
    this.service = service;
    this.storage = service.storage();
    this.outbox = replies.outbox();
    this.log = replies.log();
    this.out = replies.out();
  }

  void loadBefore(Object id, Oid oid, Tid before) {
    loadBefore(to -> to.value(id), oid, before);
  }

  /** With an oid and a tid as message id. */
  void loadBefore(long idOid, long idTid, Oid oid, Tid before) {
    loadBefore(to -> to.beginTuple(2).bytes8(idOid).bytes8(idTid).endTuple(2), oid, before);
  }

  private void loadBefore(Consumer<MessageWriter> id, Oid oid, Tid before) {
    service.stats().loads.increment();
    answer(
        id,
        (asOf, to) -> {
          Revision revision = revisionBefore(oid, before, asOf);
          if (revision == null) {
            to.none();
          } else {
            Messages.revision(to, revision, asOf);
          }
        });
  }

  private @Nullable Revision revisionBefore(Oid oid, Tid before, Tid asOf) {
    Tid next = asOf.next();
    if (before.compareTo(next) <= 0) {
      return storage.loadBefore(oid, before);
    }
    Revision revision = storage.loadBefore(oid, next);
    if (revision == null) {
      // It was created by a transaction that does not exist yet for this client.
      throw new NoSuchObjectException(oid, "not created yet");
    }
    return revision;
  }

  void getTid(Object id, Oid oid) {
    answer(
        to -> to.value(id),
        (asOf, to) -> {
          Revision revision = revisionBefore(oid, Tid.MAX, asOf);
          to.bytes8(revision == null ? 0 : revision.serial().value());
        });
  }

  void lastTransaction(Object id) {
    answer(to -> to.value(id), (asOf, to) -> to.bytes8(asOf.value()));
  }

  void getInvalidations(Object id, Tid after) {
    Optional<CacheVerification.Basis> basis =
        service.verification().basis(after, log, () -> !outbox.isClosed());
    answer(
        to -> to.value(id),
        (asOf, to) -> {
          Set<Oid> oids =
              basis.map(found -> service.verification().changed(found, asOf)).orElse(null);
          if (oids == null) {
            to.none();
          } else {
            log.info(
                "Return %d invalidations up to tid %s",
                oids.size(), CacheVerification.decimal(asOf));
            to.beginTuple(2).bytes8(asOf.value());
            Messages.oids(to, oids);
            to.endTuple(2);
          }
        });
  }

  /** Replies with a value, or the error that computing it throws. */
  private void answer(Consumer<MessageWriter> id, Outbox.Answer value) {
    outbox.reply(
        (asOf, to) -> {
          try {
            Messages.beginReply(to, id);
            value.write(asOf, to);
            Messages.endReply(to);
          } catch (StorageException e) {
            if (e instanceof CorruptDataException || !RemoteError.of(e).isNormal()) {
              ClientLog.LOG.error("({}) a load failed: {}", log.label(), e.getMessage());
            }
            to.reset();
            Messages.error(to, id, RemoteError.of(e));
          }
        },
        out);
  }
}
