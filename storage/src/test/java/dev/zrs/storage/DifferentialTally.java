package dev.zrs.storage;

import java.util.Map;
import java.util.TreeMap;

/** Counts what a differential test has done, as a test that does nothing finds nothing. */
final class DifferentialTally {
  int operations;
  int states;
  int reopened;
  int packs;
  int packsWithTheSameBytes;
  int packsThatPythonGivesUp;
  int packsThatKeepMore;
  int packsThatKeepAHeader;
  int goesOnWithTheirs;

  private final Map<String, Integer> transactions = new TreeMap<>();

  /** Counts how a transaction ended; those that undo by themselves. */
  void transaction(String result, String operation) {
    String how = result.split(" ", -1)[0];
    transactions.merge(operation.contains(" undo,") ? how + " (with undo)" : how, 1, Integer::sum);
  }

  /** How many transactions ended so. */
  int transactions(String how) {
    return transactions.getOrDefault(how, 0);
  }

  @Override
  public String toString() {
    return """
    %d operations, %d states compared, %d times reopened
    transactions: %s
    %d packs: %d with the same bytes, %d with more kept, %d with a mere header kept, \
    %d given up by Python; both went on with Python's packed file %d times\
    """
        .formatted(
            operations,
            states,
            reopened,
            transactions,
            packs,
            packsWithTheSameBytes,
            packsThatKeepMore,
            packsThatKeepAHeader,
            packsThatPythonGivesUp,
            goesOnWithTheirs);
  }
}
