package dev.zrs.pickle;

/**
 * A reference to a class by its number in Python's extension registry (opcodes EXT1, EXT2, EXT4).
 *
 * @param code the number, at least 1
 */
public record PyExtension(int code) {}
