package dev.zrs.replication;

import java.util.Locale;

/** What a secondary is doing. */
public enum SecondaryState {
  /** It tries to reach its upstream. */
  CONNECTING,
  /** It compares histories, or receives what was committed while it was away. */
  CATCHING_UP,
  /** It has all that its upstream has sent, and waits for more. */
  LIVE,
  /** The last attempt failed, and the next one is due after a delay. */
  WAITING,
  /** The upstream has another history; it has given up until an operator decides. */
  DIVERGED,
  /** The storage writes no more, so it has given up; only a restart of the server helps. */
  FAILED,
  /** It was told to stop. */
  CLOSED;

  /** As operators read it. */
  public String text() {
    return name().toLowerCase(Locale.ROOT).replace('_', ' ');
  }
}
