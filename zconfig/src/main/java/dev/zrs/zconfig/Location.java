package dev.zrs.zconfig;

/**
 * Where something stands in a configuration.
 *
 * @param file the file's name as it was given or included; for text that is no file, any label
 * @param line line number, from 1; 0 for what is in no file
 */
public record Location(String file, int line) {
  @Override
  public String toString() {
    return line == 0 ? file : file + ", line " + line;
  }
}
