package dev.zrs.server;

import dev.zrs.replication.ReplicationSecondary;
import dev.zrs.replication.SecondaryStatus;
import dev.zrs.replication.UpstreamProbe;
import dev.zrs.replication.UpstreamProbe.Answer;
import dev.zrs.replication.UpstreamProbe.Found;
import dev.zrs.server.role.RoleException;
import dev.zrs.storage.FileStorage;
import dev.zrs.storage.Tid;

/**
 * What a promotion of a secondary would lose, as far as that can be known: transactions that the
 * upstream still has, and those of which something was here once. Whoever calls holds the lock of
 * the role.
 */
final class KnownLosses {
  private final FileStorage storage;

  /** The last transaction of which something has arrived; perhaps it is here by now. */
  private Tid seen = Tid.NONE;

  KnownLosses(FileStorage storage) {
    this.storage = storage;
  }

  /** Remembers what has come over connections that have ended, and perhaps not been applied. */
  void note(SecondaryStatus status) {
    Tid last = status.incomplete().orElse(status.received());
    last = last.compareTo(status.received()) > 0 ? last : status.received();
    seen = last.compareTo(seen) > 0 ? last : seen;
  }

  /**
   * Asks the upstream, which may take half a minute.
   *
   * @param follower what follows it, and knows where it may be
   * @param force whether to accept a loss
   * @return what it was found to be
   * @throws RoleException if it has what is not here
   */
  Found ask(ReplicationSecondary follower, boolean force) {
    Found found = UpstreamProbe.ask(follower, storage);
    Answer answer = found.answer();
    if (force || answer instanceof Answer.Level || answer instanceof Answer.Unknown) {
      return found;
    }
    throw new RoleException(
        "not promoted: %s. %s"
            .formatted(
                said(found),
                answer instanceof Answer.Diverged
                    ? "To go on with the history of this server: --force"
                    : "Wait until it has arrived, or give it up with --force"));
  }

  /** What is known of the upstream after a promotion, for the operator. */
  static String text(Found found) {
    boolean forced =
        found.answer() instanceof Answer.Ahead || found.answer() instanceof Answer.Diverged;
    return (forced ? "forced, though " : "") + said(found);
  }

  private static String said(Found found) {
    return switch (found.answer()) {
      case Answer.Ahead ahead ->
          "the upstream %s answers and has more: its transaction %s (%s UTC) is not here"
              .formatted(found.text(), ahead.next(), ahead.next().toUtcText());
      case Answer.Diverged diverged ->
          "the upstream %s answers, and has other transactions: %s"
              .formatted(found.text(), diverged.reason());
      case Answer.Level level ->
          "the upstream %s answers and has nothing more; stop it, or have it follow this server, or it will take commits too"
              .formatted(found.text());
      case Answer.Unknown unknown ->
          "the upstream %s could not be asked (%s): what it has committed after that, if anything, is not known here"
              .formatted(found.text(), unknown.reason());
    };
  }

  /**
   * Refuses if something was here that is not here now. If the upstream has just said that it has
   * nothing more, nothing of it can be missing.
   */
  void requireNone(Found found) {
    Tid last = storage.lastTransaction();
    if (found.answer() instanceof Answer.Level) {
      return;
    }
    if (seen.compareTo(last) > 0) {
      throw new RoleException(
          ("not promoted: of transaction %s (%s UTC) a part has arrived, and not the end, or it could"
                  + " not be applied; the upstream may have it whole. Give it up with --force")
              .formatted(seen, seen.toUtcText()));
    }
    if (storage.lastCut().compareTo(last) > 0) {
      throw new RoleException(
          ("not promoted: what was cut off the file at a start, up to transaction %s (%s UTC), has not"
                  + " arrived again. Give it up with --force")
              .formatted(storage.lastCut(), storage.lastCut().toUtcText()));
    }
  }
}
