package dev.zrs.server;

import dev.zrs.pickle.PickleWriter;
import dev.zrs.pickle.PyDict;
import dev.zrs.pickle.PyGlobal;
import dev.zrs.pickle.PyPersistent;
import dev.zrs.pickle.PyTuple;
import dev.zrs.storage.ConflictException;
import dev.zrs.storage.FileStorage;
import dev.zrs.storage.NoSuchObjectException;
import dev.zrs.storage.Oid;
import dev.zrs.storage.Revision;
import dev.zrs.storage.Tid;
import dev.zrs.storage.TransactionBuffer;
import dev.zrs.storage.TransactionMetadata;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes a root object and one mapping, {@code root()['demo']}, as a Python program would, and goes
 * on changing the mapping. If a client changes the root in between, that is kept. For one thread.
 */
final class DemoTraffic {
  private static final PyGlobal MAPPING = new PyGlobal("persistent.mapping", "PersistentMapping");

  private static final Logger LOG = LoggerFactory.getLogger(DemoTraffic.class);

  private final FileStorage storage;
  private final Oid demo;
  private long commits;

  DemoTraffic(FileStorage storage) {
    this.storage = storage;
    this.demo = new Oid(1);
    if (serialOf(Oid.ROOT).equals(Tid.NONE)) {
      PyDict content = new PyDict();
      content.put("demo", new PyPersistent(PyTuple.of(demo.toBytes(), MAPPING)));
      try (TransactionBuffer buffer = begin("create the database")) {
        buffer.store(Oid.ROOT, Tid.NONE, mapping(content));
        buffer.store(demo, Tid.NONE, mapping(new PyDict()));
        storage.vote(buffer, storage.commitLock().claim("demo")).finish();
      }
    }
  }

  /** Commits once, unless a client was quicker; returns how often it has. */
  long commit() {
    PyDict content = new PyDict();
    content.put("commits", commits + 1);
    content.put("time", Instant.now().toString());
    try (TransactionBuffer buffer = begin("demo commit " + (commits + 1))) {
      buffer.store(demo, serialOf(demo), mapping(content));
      storage.vote(buffer, storage.commitLock().claim("demo")).finish();
      commits++;
    } catch (ConflictException e) {
      LOG.info("a client changed root()['demo'] at the same moment: {}", e.getMessage());
    }
    return commits;
  }

  private TransactionBuffer begin(String description) {
    return storage.begin(
        new TransactionMetadata(
            "demo".getBytes(StandardCharsets.UTF_8),
            description.getBytes(StandardCharsets.UTF_8),
            new byte[0]),
        null);
  }

  private Tid serialOf(Oid oid) {
    try {
      Revision revision = storage.loadBefore(oid, Tid.MAX);
      return revision == null ? Tid.NONE : revision.serial();
    } catch (NoSuchObjectException e) {
      // A new database.
      return Tid.NONE;
    }
  }

  /** A data record: the class, then the state. */
  private static byte[] mapping(PyDict content) {
    PyDict state = new PyDict();
    state.put("data", content);
    ByteArrayOutputStream record = new ByteArrayOutputStream();
    record.writeBytes(PickleWriter.zeo().write(MAPPING).toByteArray());
    record.writeBytes(PickleWriter.zeo().write(state).toByteArray());
    return record.toByteArray();
  }
}
