package dev.zrs.storage;

import dev.zrs.pickle.RecordPickles;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Counts records by class: of the first few hundred classes that it meets each, of all others
 * together. For one thread.
 */
final class RemovedClasses {
  /** What stands for a class that can't be told. */
  static final String UNKNOWN = "?";

  /** What stands for all classes beyond {@link #MAX_CLASSES}. */
  static final String OTHERS = "others";

  static final int MAX_CLASSES = 500;
  private static final int MAX_NAME = 400;
  private static final int NAME_OFFSET = 3;

  /** The bytes of a class pickle up to the end of the name, to the name: saves reading pickles. */
  private final Map<ByteBuffer, String> names = new HashMap<>();

  private final Map<String, Tally> tallies = new HashMap<>();

  private static final class Tally {
    private long records;
    private long bytes;
  }

  /** Counts a record of a class. */
  void add(String className, long bytes) {
    Tally tally = tallies.get(className);
    if (tally == null) {
      String key = tallies.size() < MAX_CLASSES ? className : OTHERS;
      tally = tallies.computeIfAbsent(key, name -> new Tally());
    }
    tally.records++;
    tally.bytes += bytes;
  }

  /**
   * The name of a record's class, with its module.
   *
   * @param buffer holds at {@code offset} the data, or as much of them as tells the class
   */
  String nameOf(byte[] buffer, int offset, int length) {
    int nameLength = plainName(buffer, offset, length);
    if (nameLength == 0) {
      return slowNameOf(Arrays.copyOfRange(buffer, offset, offset + length));
    }
    String name = names.get(ByteBuffer.wrap(buffer, offset, nameLength));
    if (name == null) {
      byte[] key = Arrays.copyOfRange(buffer, offset, offset + nameLength);
      name =
          new String(key, NAME_OFFSET, nameLength - NAME_OFFSET - 1, StandardCharsets.UTF_8)
              .replace('\n', '.');
      if (names.size() < MAX_CLASSES) {
        names.put(ByteBuffer.wrap(key), name);
      }
    }
    return name;
  }

  /** How long the pickle is up to the end of the name, if it is a global, remembered or not. */
  private static int plainName(byte[] buffer, int offset, int length) {
    int end = offset + Math.min(length, MAX_NAME);
    if (length < NAME_OFFSET || buffer[offset] != (byte) 0x80 || buffer[offset + 2] != 'c') {
      return 0;
    }
    int lines = 0;
    int at = offset + NAME_OFFSET;
    while (at < end && lines < 2) {
      if (buffer[at] == '\n') {
        lines++;
      }
      at++;
    }
    int stop = at + 2 < end && buffer[at] == 'q' ? at + 2 : at;
    return lines == 2 && stop < end && buffer[stop] == '.' ? at - offset : 0;
  }

  private static String slowNameOf(byte[] data) {
    return RecordPickles.classNameOf(data)
        .filter(name -> name.length() <= MAX_NAME)
        .orElse(UNKNOWN);
  }

  /** Those that had the most bytes, the largest one first. */
  List<PackReport.RemovedClass> largest(int count) {
    List<PackReport.RemovedClass> all = new ArrayList<>();
    tallies.forEach(
        (name, tally) ->
            all.add(new PackReport.RemovedClass(Printable.of(name), tally.records, tally.bytes)));
    all.sort(
        Comparator.comparingLong(PackReport.RemovedClass::bytes)
            .reversed()
            .thenComparing(PackReport.RemovedClass::className));
    return List.copyOf(all.subList(0, Math.min(count, all.size())));
  }
}
