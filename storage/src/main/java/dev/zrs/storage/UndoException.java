package dev.zrs.storage;

import java.util.List;

/** A transaction can't be taken back. What Python calls UndoError, or MultipleUndoErrors. */
public final class UndoException extends StorageException {
  private static final long serialVersionUID = 1;

  private final String reason;
  private final transient List<Failure> failures;

  /**
   * One object's obstacle.
   *
   * @param oid the object
   * @param reason as Python words it
   */
  public record Failure(Oid oid, String reason) {}

  /** The transaction as such can't be undone. */
  UndoException(Tid tid, String reason) {
    super("%s: %s".formatted(reason, tid));
    this.reason = reason;
    this.failures = List.of();
  }

  /** Some of its objects stand in the way. */
  UndoException(Tid tid, List<Failure> failures) {
    super(
        "transaction %s can't be undone: %s%s"
            .formatted(
                tid,
                failures.getFirst(),
                failures.size() > 1 ? " and " + (failures.size() - 1) + " more" : ""));
    this.reason = failures.getFirst().reason();
    this.failures = List.copyOf(failures);
  }

  /** Why, as Python words it; of the first object if there are several. */
  public String reason() {
    return reason;
  }

  /** What stands in the way; empty if it is the transaction itself. */
  public List<Failure> failures() {
    return failures;
  }
}
