package dev.zrs.replication;

/** What a secondary is doing. */
public enum SecondaryState {
  /** It tries to reach its upstream. */
  CONNECTING,
  /** It receives what was committed while it was away. */
  CATCHING_UP,
  /** It has all that its upstream has sent, and waits for more. */
  LIVE,
  /** The last attempt failed, and the next one is due after a delay. */
  WAITING,
  /** The storage writes no more, so it has given up; only a restart of the server helps. */
  FAILED,
  /** It was told to stop. */
  CLOSED
}
