package dev.zrs.storage;

import dev.zrs.pickle.RecordPickles;
import dev.zrs.resolution.ConflictResolver;
import dev.zrs.resolution.Resolution;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Has two changes of an object merged, and says in the log what came of it. Any thread. */
final class Merging {
  private static final Logger LOG = LoggerFactory.getLogger("ZODB.ConflictResolution");

  private Merging() {}

  /** See {@link ConflictResolver#resolve}. */
  static Resolution merge(Oid oid, byte[] old, byte[] committed, byte[] changed) {
    Resolution resolution = ConflictResolver.resolve(old, committed, changed);
    if (LOG.isDebugEnabled()) {
      log(
          oid,
          changed,
          switch (resolution) {
            case Resolution.Resolved resolved -> "merged";
            case Resolution.Refused(String reason) -> "refused: " + reason;
            case Resolution.Unknown(String reason) -> "left to the application: " + reason;
          });
    }
    return resolution;
  }

  /** A conflict with which nothing is tried. */
  static void leave(Oid oid, byte[] changed) {
    if (LOG.isDebugEnabled()) {
      log(oid, changed, "left to the application");
    }
  }

  /** A change is based on a revision that is not there any more. */
  static void missing(Oid oid, byte[] changed) {
    if (LOG.isDebugEnabled()) {
      log(oid, changed, "refused: the revision on which it is based is packed away, or deleted");
    }
  }

  private static void log(Oid oid, byte[] changed, String what) {
    String type = RecordPickles.classNameOf(changed).orElse("an unreadable class");
    LOG.debug("Conflict resolution on {}, oid {}: {}", type, oid, what);
  }
}
