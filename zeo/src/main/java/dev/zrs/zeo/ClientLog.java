package dev.zrs.zeo;

import dev.zrs.storage.Printable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.Marker;
import org.slf4j.MarkerFactory;
import org.slf4j.event.Level;
import org.slf4j.spi.LoggingEventBuilder;

/** Log lines about one client, with its label in front as in Python's server. Any thread. */
@SuppressWarnings("AnnotateFormatMethod") // the annotation would be a dependency at run time
final class ClientLog {
  static final Logger LOG = LoggerFactory.getLogger("ZEO.StorageServer");

  /** Marks errors that Python logs at its level CRITICAL. */
  static final Marker CRITICAL = MarkerFactory.getMarker("CRITICAL");

  private final String peer;
  private volatile String label;

  ClientLog(String peer) {
    this.peer = peer;
    this.label = peer;
  }

  /** Puts the client's own name for itself before its address. */
  void setLabel(String name) {
    label = Printable.of(name) + " " + peer;
  }

  String label() {
    return label;
  }

  void debug(String format, Object... arguments) {
    log(LOG.atLevel(Level.DEBUG), format, arguments);
  }

  void info(String format, Object... arguments) {
    log(LOG.atLevel(Level.INFO), format, arguments);
  }

  void warn(String format, Object... arguments) {
    log(LOG.atLevel(Level.WARN), format, arguments);
  }

  void critical(String format, Object... arguments) {
    log(LOG.atLevel(Level.ERROR).addMarker(CRITICAL), format, arguments);
  }

  /** How many transactions wait for the commit lock: the more, the louder. */
  void lockEvent(String storage, String event, int waiting) {
    String format = "('%s') %s: transactions waiting: %d";
    if (waiting > 9) {
      critical(format, storage, event, waiting);
    } else if (waiting > 3) {
      warn(format, storage, event, waiting);
    } else if (LOG.isDebugEnabled()) {
      debug(format, storage, event, waiting);
    }
  }

  private void log(LoggingEventBuilder event, String format, Object... arguments) {
    event.log(() -> "(" + label + ") " + Printable.of(format.formatted(arguments)));
  }
}
