package dev.zrs.storage;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The same random operations, with the same tids, on Python's FileStorage and on ours: after each,
 * every readable state is equal, and the files are equal byte for byte.
 *
 * <p>Where ours differs on purpose, which is all that the comparison lets pass:
 *
 * <ul>
 *   <li>a restored record may name an unknown transaction as the one that has its data; Python
 *       fails;
 *   <li>no blob stays of a transaction that was aborted before its vote; Python forgets them;
 *   <li>the reason why the change of an object that was deleted later can't be undone is worded as
 *       that of any other later change; Python says "_loadBack() failed";
 *   <li>a pack keeps the header of the last transaction even if none of its records is left;
 *   <li>a pack keeps what younger transactions refer to, and all that hangs below what they point
 *       back to; Python goes after back-pointers only, and not all the way;
 *   <li>a pack passes over references to objects that do not exist; Python fails with KeyError;
 *   <li>a pack without garbage collection keeps what younger transactions point back to; Python
 *       fails with PackError or AssertionError;
 *   <li>a pack moves a back-pointer to a transaction that has the object twice as it is; Python
 *       looks for the object again, and takes the wrong record;
 *   <li>a pack of a file that ends in transactions which were packed elsewhere removes no garbage;
 *       Python does (it is always asked for here);
 *   <li>a pack never removes the blob of a record that it keeps; Python removes all blobs of an
 *       object that was garbage at the pack time;
 *   <li>a pack leaves the blob file of a transaction that brought a blob and then said, in a later
 *       record or by a wrong hint, that the object does not exist;
 *   <li>no index is saved of a file that has transactions but no record; Python can't open the file
 *       with the one that it saves;
 *   <li>record_iternext may begin at an oid that does not exist; Python passes over some then
 *       (never asked here);
 *   <li>the first transaction of a file is found, to be undone or as the one that has the data of a
 *       restored record, even if it has neither records nor metadata; Python passes over it.
 * </ul>
 */
final class DifferentialTest {
  private static final Logger LOG = LoggerFactory.getLogger(DifferentialTest.class);
  private static final int SEQUENCES = System.getenv("ZRS_LONG") == null ? 100 : 2_000;

  /** To look at a failure again: {@code -Dzrs.differential.first=550}. */
  private static final long FIRST_SEED = Long.getLong("zrs.differential.first", 1);

  private static final int SHRINK_RUNS = 300;

  @TempDir private static Path directory = Path.of("unset");
  private static @Nullable PythonStorage python;
  private static int runs;

  @BeforeAll
  static void startPython() throws IOException {
    python = new PythonStorage(directory);
  }

  @AfterAll
  static void stopPython() {
    if (python != null) {
      python.close();
    }
  }

  @Test
  void every_state_is_that_of_Python() throws IOException {
    DifferentialTally tally = new DifferentialTally();
    for (long seed = FIRST_SEED; seed < FIRST_SEED + SEQUENCES; seed++) {
      List<String> operations = DifferentialSequence.of(seed);
      String difference = run(operations, tally);
      if (difference != null) {
        List<String> fewer = shrink(operations);
        throw new AssertionError(
            "seed %d differs %s%nof these operations:%n%s"
                .formatted(seed, run(fewer, new DifferentialTally()), String.join("\n", fewer)));
      }
    }
    LOG.info("{} sequences: {}", SEQUENCES, tally);
    assertThat(tally.packs).isGreaterThan(2 * SEQUENCES);
    assertThat(tally.packsWithTheSameBytes).isGreaterThan(tally.packs / 4);
    assertThat(tally.goesOnWithTheirs).isPositive();
    assertThat(tally.packsThatKeepMore).isPositive();
    assertThat(tally.packsThatKeepAHeader).isPositive();
    assertThat(tally.packsThatPythonGivesUp).isPositive();
    for (String how :
        List.of(
            "ok",
            "ok (with undo)",
            "aborted",
            "ConflictError",
            "ReadConflictError",
            "POSKeyError",
            "UndoError",
            "UndoError (with undo)",
            "MultipleUndoErrors (with undo)",
            "FileStorageError",
            "FileStorageQuotaError")) {
      assertThat(tally.transactions(how)).as(how).isPositive();
    }
  }

  @Test
  void a_transaction_of_many_megabytes_is_that_of_Python() throws IOException {
    String large = "8003636d0a4b0a2e800358ffff5f00+78*6291455+2e";
    List<String> steps = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      steps.add("store,%s,current,%s".formatted(new Oid(i), large));
    }
    String blob = "8003635a4f44422e626c6f620a426c6f620a71002e80034e2e";
    steps.add("blob,%s,current,%s,6263*4000000".formatted(new Oid(8), blob));
    String transaction = "transaction 03f000%s00000000 normal - 64*65535 - finish ";
    List<String> operations =
        List.of(
            "configure bushy -",
            transaction.formatted("01") + String.join(" ", steps),
            transaction.formatted("02") + String.join(" ", steps.reversed()),
            transaction.formatted("03") + "undo,0",
            "reopen drop",
            "pack %s true true ours".formatted(new Tid(0x03f0_0002_8000_0000L).toEpochSeconds()),
            transaction.formatted("04") + "undo,0");
    assertThat(run(operations, new DifferentialTally())).isNull();
  }

  private static @Nullable String run(List<String> operations, DifferentialTally tally)
      throws IOException {
    if (python == null) {
      throw new AssertionError("no Python");
    }
    runs++;
    Path files = Files.createDirectory(directory.resolve("run" + runs));
    try (DifferentialRun run = new DifferentialRun(python, files, tally)) {
      return run.run(operations);
    }
  }

  /** Leaves out operations, then steps of transactions, as long as a difference stays. */
  private static List<String> shrink(List<String> operations) throws IOException {
    List<String> best = operations;
    int before = runs;
    for (int size = operations.size() / 2; size > 0; size /= 2) {
      for (int at = best.size() - size; at > 0 && runs - before < SHRINK_RUNS; at -= size) {
        List<String> fewer = new ArrayList<>(best);
        fewer.subList(at, at + size).clear();
        best = differs(fewer) ? fewer : best;
        at = Math.min(at, best.size());
      }
    }
    for (int i = 1; i < best.size(); i++) {
      String[] words = best.get(i).split(" ", -1);
      for (int step = words.length - 1; step > 7 && runs - before < SHRINK_RUNS; step--) {
        List<String> shorter = new ArrayList<>(List.of(best.get(i).split(" ", -1)));
        shorter.remove(step);
        List<String> fewer = new ArrayList<>(best);
        fewer.set(i, String.join(" ", shorter));
        best = differs(fewer) ? fewer : best;
      }
    }
    return best;
  }

  private static boolean differs(List<String> operations) throws IOException {
    return run(operations, new DifferentialTally()) != null;
  }
}
