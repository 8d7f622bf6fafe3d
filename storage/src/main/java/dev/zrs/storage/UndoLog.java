package dev.zrs.storage;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/** Finds the transactions that might be undone, from the end of the file back to the last pack. */
final class UndoLog {
  private UndoLog() {}

  /** See {@link FileStorage#undoLog}. */
  static List<UndoableTransaction> read(
      FileGeneration generation, long first, long last, Predicate<UndoableTransaction> filter) {
    DataFile file = generation.file();
    TransactionSearch search = new TransactionSearch(file, generation.visibleEnd());
    List<UndoableTransaction> found = new ArrayList<>();
    long position = generation.visibleEnd();
    long passed = 0;
    while (passed < last && position > DataFile.START) {
      TransactionHeader header = search.before(position);
      position = header.position();
      if (header.status() == TransactionHeader.STATUS_PACKED) {
        break;
      }
      if (header.status() != TransactionHeader.STATUS_NORMAL) {
        continue;
      }
      UndoableTransaction transaction =
          new UndoableTransaction(header.tid(), file.metadata(header), header.length());
      if (filter.test(transaction)) {
        if (passed >= first) {
          found.add(transaction);
        }
        passed++;
      }
    }
    return found;
  }
}
