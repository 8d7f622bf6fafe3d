package dev.zrs.zeo;

import dev.zrs.pickle.PickleWriter;
import dev.zrs.pickle.PyNone;
import dev.zrs.storage.CorruptDataException;
import dev.zrs.storage.FileStorage;
import dev.zrs.storage.NoSuchObjectException;
import dev.zrs.storage.Oid;
import dev.zrs.storage.Revision;
import dev.zrs.storage.StorageException;
import dev.zrs.storage.Tid;
import java.util.Collection;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Answers that depend on what is current for the client; {@link Outbox} says why they are all "as
 * of" a transaction. For the connection's reader only.
 */
final class Loads {
  private final StorageService service;
  private final FileStorage storage;
  private final Outbox outbox;
  private final ClientLog log;
  private final PickleWriter out;

  Loads(StorageService service, Outbox outbox, ClientLog log, PickleWriter out) {
    this.service = service;
    this.storage = service.storage();
    this.outbox = outbox;
    this.log = log;
    this.out = out;
  }

  void loadBefore(Object id, Oid oid, Tid before) {
    loadBefore(to -> to.value(id), oid, before);
  }

  /** With an oid and a tid as message id. */
  void loadBefore(long idOid, long idTid, Oid oid, Tid before) {
    loadBefore(to -> to.bytes8(idOid).bytes8(idTid).tuple2(), oid, before);
  }

  private void loadBefore(Consumer<PickleWriter> id, Oid oid, Tid before) {
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
    answer(
        to -> to.value(id),
        (asOf, to) -> {
          Collection<Oid> oids = service.broadcaster().queue().changed(after, asOf);
          if (oids == null) {
            log.info("tid %s is too old for the invalidation queue", after);
            to.value(PyNone.NONE);
          } else {
            log.info("Return %d invalidations up to tid %s", oids.size(), asOf);
            to.bytes8(asOf.value());
            Messages.oids(to, oids);
            to.tuple2();
          }
        });
  }

  /** Replies with a value, or the error that computing it throws. */
  private void answer(Consumer<PickleWriter> id, Outbox.Answer value) {
    outbox.reply(
        (asOf, to) -> {
          try {
            to.start().mark();
            id.accept(to);
            to.integer(0).text(".reply");
            value.write(asOf, to);
            to.tuple().stop();
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
