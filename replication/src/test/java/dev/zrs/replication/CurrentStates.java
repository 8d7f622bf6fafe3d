package dev.zrs.replication;

import dev.zrs.storage.BlobDirectory;
import dev.zrs.storage.DataRecord;
import dev.zrs.storage.FileStorage;
import dev.zrs.storage.Oid;
import dev.zrs.storage.Tid;
import dev.zrs.storage.TransactionReader;
import dev.zrs.storage.TransactionRecord;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** What the objects of a storage are now, which no pack may change. */
final class CurrentStates {
  private CurrentStates() {}

  /** A line for each object that exists: its serial, and digests of its data and of its blob. */
  static Map<String, String> of(FileStorage storage) throws IOException {
    Map<String, String> states = new TreeMap<>();
    try (TransactionReader reader = storage.transactionsAfter(Tid.NONE)) {
      TransactionRecord transaction = reader.next();
      while (transaction != null) {
        DataRecord record = transaction.nextRecord();
        while (record != null) {
          byte[] data = record.data();
          if (data == null) {
            states.remove(record.oid().toString());
          } else {
            states.put(
                record.oid().toString(),
                "%s %08x %s"
                    .formatted(
                        record.tid(),
                        Arrays.hashCode(data),
                        blob(storage.blobs(), record.oid(), record.tid())));
          }
          record = transaction.nextRecord();
        }
        transaction = reader.next();
      }
    }
    return states;
  }

  private static String blob(Optional<BlobDirectory> blobs, Oid oid, Tid tid) throws IOException {
    Path file = blobs.orElseThrow().file(oid, tid);
    return Files.exists(file) ? "%08x".formatted(Arrays.hashCode(Files.readAllBytes(file))) : "";
  }
}
