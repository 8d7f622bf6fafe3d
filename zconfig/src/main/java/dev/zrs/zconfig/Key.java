package dev.zrs.zconfig;

/**
 * One {@code key value} line.
 *
 * @param name lower case
 * @param value after substitution, without surrounding white space; may be empty
 */
public record Key(String name, String value, Location location) {}
