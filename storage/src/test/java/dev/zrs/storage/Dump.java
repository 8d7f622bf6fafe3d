package dev.zrs.storage;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Objects;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Everything that can be read from a storage, in the form in which peer.py prints it. */
final class Dump {
  private Dump() {}

  static String of(FileStorage storage) {
    StringBuilder text = new StringBuilder();
    TreeSet<Oid> oids = new TreeSet<>();
    try (TransactionReader reader = storage.transactionsAfter(Tid.NONE)) {
      TransactionRecord transaction = reader.next();
      while (transaction != null) {
        text.append("T ").append(transaction.tid()).append(" '").append(transaction.status());
        text.append("' ").append(hex(transaction.metadata().user()));
        text.append(' ').append(hex(transaction.metadata().description())).append('\n');
        DataRecord record = transaction.nextRecord();
        while (record != null) {
          oids.add(record.oid());
          text.append("R ").append(record.oid()).append(' ').append(record.tid()).append(' ');
          text.append(digest(record.data())).append(' ');
          text.append(record.dataTid() == null ? "-" : record.dataTid()).append('\n');
          record = transaction.nextRecord();
        }
        transaction = reader.next();
      }
    }
    for (Oid oid : oids) {
      text.append("L ").append(oid).append(' ');
      try {
        Revision revision = Objects.requireNonNull(storage.loadBefore(oid, Tid.MAX));
        text.append(revision.serial()).append(' ').append(digest(revision.data())).append('\n');
      } catch (NoSuchObjectException e) {
        text.append("POSKeyError\n");
      }
    }
    text.append("last ").append(storage.lastTransaction()).append(' ');
    text.append(storage.objectCount()).append(' ').append(storage.size()).append('\n');
    return text.toString();
  }

  static String digest(byte @Nullable [] data) {
    try {
      return data == null
          ? "-"
          : HexFormat.of().formatHex(MessageDigest.getInstance("SHA-1").digest(data));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }

  private static String hex(byte[] bytes) {
    return bytes.length == 0 ? "-" : HexFormat.of().formatHex(bytes);
  }

  static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
