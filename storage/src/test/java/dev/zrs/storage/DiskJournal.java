package dev.zrs.storage;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * All operations on a simulated disk, and which of the changes are durable since when. For one
 * thread at a time.
 */
final class DiskJournal {
  private static final int NEVER = Integer.MAX_VALUE;

  /** What was on the disk at the beginning, durably. */
  private final SimulatedFiles base;

  private final SimulatedFiles present;
  private final List<Entry> entries = new ArrayList<>();
  private final List<String> operations = new ArrayList<>();
  private int nodes;

  /** A change, and when it came to be durable. */
  private static final class Entry {
    private final DiskChange change;
    private final int at;
    private int durableAt = NEVER;

    /** Whether the kernel has given up writing it. */
    private boolean dropped;

    Entry(DiskChange change, int at) {
      this.change = change;
      this.at = at;
    }
  }

  /**
   * @param base what is there, durably
   * @param nodes a number beyond those of all files and directories
   */
  private DiskJournal(SimulatedFiles base, int nodes) {
    this.base = base;
    this.present = base.copy();
    this.nodes = nodes;
  }

  /** An empty disk. */
  DiskJournal() {
    this(new SimulatedFiles(), SimulatedFiles.ROOT + 1);
  }

  /** What is there now. */
  SimulatedFiles present() {
    return present;
  }

  /** The names of the operations; each has changed something or made a change durable. */
  List<String> operations() {
    return operations;
  }

  /** A number for a new file or directory. */
  int newNode() {
    return nodes++;
  }

  void change(DiskChange change, String operation) {
    entries.add(new Entry(change, operations.size()));
    present.apply(change, true);
    operations.add(operation);
  }

  /**
   * Makes a file's content durable.
   *
   * @param fails whether it is lost for good instead, or not, whatever is synced later
   */
  void syncFile(int file, boolean fails, String operation) {
    for (Entry entry : entries) {
      if (entry.change instanceof DiskChange.OfFile change && change.file() == file) {
        if (fails) {
          entry.dropped |= entry.durableAt == NEVER;
        } else if (!entry.dropped) {
          entry.durableAt = Math.min(entry.durableAt, operations.size());
        }
      }
    }
    operations.add(operation);
  }

  /** Makes the names in a directory durable. */
  void syncNames(int directory, String operation) {
    for (Entry entry : entries) {
      if (entry.change instanceof DiskChange.OfNames change && change.directory() == directory) {
        entry.durableAt = Math.min(entry.durableAt, operations.size());
      }
    }
    operations.add(operation);
  }

  /** What a power cut leaves after the first {@code count} operations; one possibility of many. */
  DiskJournal cut(int count, long seed) {
    SimulatedFiles survivors = base.copy();
    List<Survival.Change> before = new ArrayList<>();
    for (Entry entry : entries) {
      if (entry.at < count) {
        before.add(new Survival.Change(entry.change, entry.durableAt < count));
      }
    }
    new Survival(new Random(seed), seed).apply(before, survivors);
    return new DiskJournal(survivors, nodes);
  }

  /** A copy that ends after the first {@code count} operations. */
  DiskJournal upTo(int count) {
    DiskJournal copy = new DiskJournal(base, nodes);
    copy.operations.addAll(operations.subList(0, count));
    for (Entry entry : entries) {
      if (entry.at < count) {
        Entry other = new Entry(entry.change, entry.at);
        other.durableAt = entry.durableAt < count ? entry.durableAt : NEVER;
        other.dropped = entry.dropped;
        copy.entries.add(other);
        copy.present.apply(entry.change, true);
      }
    }
    return copy;
  }
}
