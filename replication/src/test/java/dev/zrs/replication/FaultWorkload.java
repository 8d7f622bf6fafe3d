package dev.zrs.replication;

import dev.zrs.storage.FileStorage;
import dev.zrs.storage.NoSuchObjectException;
import dev.zrs.storage.Oid;
import dev.zrs.storage.StorageOptions;
import dev.zrs.storage.Tid;
import dev.zrs.storage.TransactionBuffer;
import dev.zrs.storage.TransactionMetadata;
import dev.zrs.storage.UndoException;
import dev.zrs.storage.VotedTransaction;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** What happens at a primary while its network is bad: commits of all kinds. For one thread. */
final class FaultWorkload {
  private static final int OBJECTS = 40;

  private final FileStorage storage;
  private final Random random;
  private final boolean undoes;
  private final List<Tid> mayBeUndone = new ArrayList<>();
  private int undone;

  /**
   * @param undoes whether transactions are taken back too
   */
  FaultWorkload(FileStorage storage, Random random, boolean undoes) {
    this.storage = storage;
    this.random = random;
    this.undoes = undoes;
  }

  /** Options for files of any bytes: whoever looks for references would find none. */
  static StorageOptions options(Replica replica) {
    return StorageOptions.of(replica.file())
        .withBlobDirectory(replica.blobs())
        .withPack(false, false);
  }

  /** How many transactions were taken back. */
  int undone() {
    return undone;
  }

  void step() throws IOException {
    switch (random.nextInt(4)) {
      case 0 -> Replica.commit(storage, random);
      case 1 -> changeBlob();
      case 2 -> {
        if (undoes && !mayBeUndone.isEmpty()) {
          undo(mayBeUndone.remove(random.nextInt(mayBeUndone.size())));
        } else {
          change();
        }
      }
      default -> change();
    }
  }

  private void change() {
    try (TransactionBuffer buffer = storage.begin(TransactionMetadata.EMPTY, null)) {
      for (int i = 1 + random.nextInt(3); i > 0; i--) {
        Oid oid = new Oid(1_000_000 + random.nextInt(OBJECTS) * 3L + i);
        buffer.store(oid, serial(oid), Replica.bytes(random, 1 + random.nextInt(2_000)));
      }
      commit(buffer);
    }
  }

  private void changeBlob() throws IOException {
    Oid oid = new Oid(2_000_000 + random.nextInt(OBJECTS));
    try (TransactionBuffer buffer = storage.begin(TransactionMetadata.EMPTY, null)) {
      Path content = storage.blobs().orElseThrow().createTemporary();
      Files.write(content, Replica.bytes(random, random.nextInt(150_000)));
      buffer.storeBlob(oid, serial(oid), Replica.BLOB_RECORD.clone(), content);
      commit(buffer);
    }
  }

  /** Also of an object whose creation is undone. */
  private Tid serial(Oid oid) {
    try {
      return storage.history(oid, 1).getFirst().tid();
    } catch (NoSuchObjectException e) {
      return Tid.NONE;
    }
  }

  private void commit(TransactionBuffer buffer) {
    VotedTransaction voted = storage.vote(buffer, storage.commitLock().claim("test"));
    voted.finish();
    mayBeUndone.add(voted.tid());
  }

  /** Some can't be, because of a later change or a pack. */
  private void undo(Tid tid) {
    try (TransactionBuffer buffer = storage.begin(TransactionMetadata.EMPTY, null)) {
      buffer.undo(tid);
      commit(buffer);
      undone++;
    } catch (UndoException expected) {
      change();
    }
  }
}
