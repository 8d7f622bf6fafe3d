package dev.zrs.server.logging;

/** How the fields of a log format are marked. */
public enum LogStyle {
  /** {@code %(message)s}. */
  CLASSIC,
  /** <code>{message}</code>. */
  FORMAT,
  /** {@code $message}. */
  TEMPLATE,
  /** The same, and what is no field stays as it is. */
  SAFE_TEMPLATE
}
