package dev.zrs.storage;

import dev.zrs.pickle.Py;
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
      String type = RecordPickles.classOf(changed).map(Py::describe).orElse("an unreadable class");
      switch (resolution) {
        case Resolution.Resolved resolved ->
            LOG.debug("Conflict resolution on {}, oid {}: merged", type, oid);
        case Resolution.Refused(String reason) ->
            LOG.debug("Conflict resolution on {}, oid {}, failed: {}", type, oid, reason);
        case Resolution.Unknown(String reason) ->
            LOG.debug("Conflict resolution on {}, oid {}, not tried: {}", type, oid, reason);
      }
    }
    return resolution;
  }
}
