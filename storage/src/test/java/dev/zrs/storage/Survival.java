package dev.zrs.storage;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * Chooses what a power cut leaves of the changes that were not synced. The first two seeds are the
 * extremes: nothing, and everything. With the others each file has a fate of its own: its writes
 * survive or not, one for one, or in sectors, or in pieces that begin and end anywhere; what is
 * lost within a file that has grown reads as zeros. The names survive as in a journal, up to some
 * moment, or each for itself.
 */
final class Survival {
  private static final int SECTOR = 512;

  /** A change before the power cut, and whether it was durable. */
  record Change(DiskChange change, boolean durable) {}

  private enum Fate {
    NOTHING,
    ALL,
    WRITES,
    SECTORS,
    PIECES
  }

  private enum Names {
    NONE,
    ALL,
    JOURNAL,
    EACH
  }

  private final Random random;
  private final long seed;
  private final Map<Integer, Fate> fates = new HashMap<>();

  Survival(Random random, long seed) {
    this.random = random;
    this.seed = seed;
  }

  /** Makes the changes that are durable, and some of the others. */
  void apply(List<Change> changes, SimulatedFiles files) {
    Names names =
        switch ((int) seed) {
          case 0 -> Names.NONE;
          case 1 -> Names.ALL;
          default -> Names.values()[random.nextInt(Names.values().length)];
        };
    int journalEnd = random.nextInt(changes.size() + 1);
    int number = 0;
    for (Change entry : changes) {
      if (entry.durable()) {
        files.apply(entry.change(), true);
      } else {
        switch (entry.change()) {
          case DiskChange.OfFile change -> keepPart(change, files);
          case DiskChange.OfNames change -> {
            files.makeNode(change);
            boolean kept =
                switch (names) {
                  case NONE -> false;
                  case ALL -> true;
                  case JOURNAL -> number < journalEnd;
                  case EACH -> random.nextBoolean();
                };
            if (kept) {
              files.apply(change, false);
            }
          }
        }
      }
      number++;
    }
  }

  private void keepPart(DiskChange.OfFile change, SimulatedFiles files) {
    Fate fate = fates.computeIfAbsent(change.file(), file -> fate());
    boolean kept =
        switch (fate) {
          case NOTHING -> false;
          case ALL -> true;
          case WRITES -> random.nextBoolean();
          case SECTORS, PIECES -> {
            if (change instanceof DiskChange.Write write) {
              keepPieces(write, fate == Fate.SECTORS, files);
              yield false;
            }
            yield random.nextBoolean();
          }
        };
    if (kept) {
      files.apply(change, false);
    }
  }

  private Fate fate() {
    return switch ((int) seed) {
      case 0 -> Fate.NOTHING;
      case 1 -> Fate.ALL;
      default -> Fate.values()[random.nextInt(Fate.values().length)];
    };
  }

  private void keepPieces(DiskChange.Write write, boolean sectors, SimulatedFiles files) {
    byte[] bytes = write.bytes();
    // Often a few bytes, often most of it: the ends of a record are where it matters.
    int longest = 1 + random.nextInt(random.nextBoolean() ? 40 : bytes.length);
    double share = random.nextDouble();
    int at = 0;
    while (at < bytes.length) {
      long position = write.position() + at;
      int length = sectors ? (int) (SECTOR - position % SECTOR) : 1 + random.nextInt(longest);
      if (longest < bytes.length / 100) {
        length += random.nextInt(bytes.length / 4);
      }
      int end = Math.min(bytes.length, at + length);
      if (random.nextDouble() < share) {
        files.write(write.file(), position, Arrays.copyOfRange(bytes, at, end));
      }
      at = end;
    }
    int end = (int) write.position() + bytes.length;
    if (random.nextInt(4) == 0 && files.size(write.file()) < end) {
      files.resize(write.file(), end);
    }
  }
}
