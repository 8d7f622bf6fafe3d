package dev.zrs.storage;

import dev.zrs.pickle.PickleException;
import dev.zrs.pickle.RecordPickles;
import dev.zrs.pickle.RecordReferences;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Looks for references that lead to no object, as ZODB's fsrefs does. Changes nothing and takes no
 * lock. For one thread, once.
 */
public final class ReferenceCheck {
  private final FileGeneration generation;
  private final Consumer<Problem> problems;
  private long objects;
  private long problemCount;

  /**
   * An object whose current record is no good.
   *
   * @param oid the object
   * @param serial of its current record
   * @param className module and name; "?" if it can't be read
   * @param what is wrong, in words
   */
  public record Problem(Oid oid, Tid serial, String className, String what) {}

  /**
   * What was found.
   *
   * @param objects how many were looked at
   * @param problems how many there are
   */
  public record Result(long objects, long problems) {}

  private ReferenceCheck(FileGeneration generation, Consumer<Problem> problems) {
    this.generation = generation;
    this.problems = problems;
  }

  /**
   * Checks the current records of a file.
   *
   * @param problems is told of each problem as it is found
   * @param progress in objects
   * @throws StorageException if the file can't be read, or is damaged
   */
  public static Result run(
      Path path, Disk disk, Consumer<Problem> problems, FileProgress progress) {
    StorageOptions options = StorageOptions.of(path).withReadOnly(true);
    try (FileStorage storage = FileStorage.open(options, disk, InstantSource.system())) {
      return storage.read(generation -> new ReferenceCheck(generation, problems).check(progress));
    }
  }

  private Result check(FileProgress progress) {
    long total = generation.index().size();
    generation
        .index()
        .forEach(
            (oid, position) -> {
              object(oid, position);
              objects++;
              progress.progress(objects, total);
            });
    return new Result(objects, problemCount);
  }

  private void object(long oid, long position) {
    DataFile file = generation.file();
    DataFile.LoadedRecord record;
    try {
      record = file.load(position, oid);
    } catch (CorruptDataException e) {
      problem(new Oid(oid), Tid.NONE, "?", e.getMessage());
      return;
    }
    byte[] data = record.data();
    if (data == null) {
      return;
    }
    Set<Long> missing = new LinkedHashSet<>();
    String wrong = null;
    try {
      RecordReferences.of(
          data,
          target -> {
            if (!exists(target)) {
              missing.add(target);
            }
          });
    } catch (PickleException e) {
      wrong = "it can't be read: " + e.getMessage();
    }
    if (wrong == null && missing.isEmpty()) {
      return;
    }
    Tid serial = record.header().tid();
    String className = RecordPickles.classNameOf(data).orElse("?");
    if (wrong != null) {
      problem(new Oid(oid), serial, className, wrong);
    }
    for (long target : missing) {
      problem(
          new Oid(oid),
          serial,
          className,
          "it refers to oid %s, %s"
              .formatted(
                  new Oid(target),
                  generation.index().get(target) == 0
                      ? "which does not exist"
                      : "whose creation was undone, or which was deleted"));
    }
  }

  private boolean exists(long oid) {
    long position = generation.index().get(oid);
    DataFile file = generation.file();
    return position != 0 && file.origin(position, oid) != null;
  }

  private void problem(Oid oid, Tid serial, String className, String what) {
    problemCount++;
    problems.accept(new Problem(oid, serial, className, what));
  }
}
