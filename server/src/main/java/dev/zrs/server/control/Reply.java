package dev.zrs.server.control;

/**
 * What a server answers to a command.
 *
 * @param code the exit code of the command
 * @param text for its output, or for its errors if the code is not 0
 */
public record Reply(int code, String text) {}
