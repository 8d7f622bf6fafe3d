package dev.zrs.server.logging;

/**
 * What a handler writes of which events.
 *
 * @param format of an event, with real line ends
 * @param dateFormat of {@code asctime}; empty for Python's default with milliseconds
 * @param level Python level number of the least event that is written; 0 for all
 */
public record LogLayout(PythonFormat format, String dateFormat, int level) {}
