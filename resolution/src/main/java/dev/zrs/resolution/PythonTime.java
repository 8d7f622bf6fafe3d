package dev.zrs.resolution;

import dev.zrs.pickle.PyGlobal;
import dev.zrs.pickle.PyInstance;
import dev.zrs.pickle.PyTuple;
import java.nio.ByteBuffer;
import java.time.LocalDate;
import java.util.Optional;

/**
 * A value of Python's module datetime, as it can be compared (source: datetime.py, the methods
 * {@code __reduce_ex__}). Those with a time zone of the application are not among them.
 *
 * @param kind only values of one kind can be compared
 * @param order days, or microseconds; of an aware one in UTC
 */
record PythonTime(Kind kind, long order) {
  /** An aware datetime is never equal to a naive one, and neither is less. */
  enum Kind {
    DATETIME,
    AWARE_DATETIME,
    DATE,
    TIME,
    DURATION
  }

  private static final String MODULE = "datetime";
  private static final long SECOND = 1_000_000;
  private static final long DAY = 86_400 * SECOND;
  private static final int DATE_BYTES = 4;
  private static final int TIME_BYTES = 6;

  /** What a value of a pickle stands for; empty if it is none of these. */
  static Optional<PythonTime> of(Object value) {
    if (!(value instanceof PyInstance instance)) {
      return Optional.empty();
    }
    PyTuple args = instance.args();
    return switch (called(instance)) {
      case "datetime" -> datetime(args);
      case "date" ->
          args.size() == 1 && args.get(0) instanceof byte[] bytes && bytes.length == DATE_BYTES
              ? Optional.of(new PythonTime(Kind.DATE, day(bytes)))
              : Optional.empty();
      case "time" ->
          args.size() == 1 && args.get(0) instanceof byte[] bytes && bytes.length == TIME_BYTES
              ? Optional.of(new PythonTime(Kind.TIME, time(bytes, 0)))
              : Optional.empty();
      case "timedelta" -> duration(args);
      default -> Optional.empty();
    };
  }

  /** What of the module is called, with nothing but arguments; empty if it is nothing of it. */
  private static String called(PyInstance instance) {
    boolean isPlain =
        instance.kind() == PyInstance.Kind.REDUCE
            && instance.state() == null
            && instance.listItems().items().isEmpty()
            && instance.dictItems().size() == 0;
    return isPlain && instance.callable() instanceof PyGlobal type && type.module().equals(MODULE)
        ? type.name()
        : "";
  }

  /**
   * The sign of the comparison.
   *
   * @return empty if they can't be compared
   */
  Optional<Integer> compareTo(PythonTime other) {
    return kind == other.kind ? Optional.of(Long.compare(order, other.order)) : Optional.empty();
  }

  private static Optional<PythonTime> datetime(PyTuple args) {
    if (args.size() == 0
        || !(args.get(0) instanceof byte[] bytes)
        || bytes.length != DATE_BYTES + TIME_BYTES) {
      return Optional.empty();
    }
    long local = day(bytes) * DAY + time(bytes, DATE_BYTES);
    if (args.size() == 1) {
      return Optional.of(new PythonTime(Kind.DATETIME, local));
    }
    return args.size() == 2
        ? offset(args.get(1)).map(offset -> new PythonTime(Kind.AWARE_DATETIME, local - offset))
        : Optional.empty();
  }

  /** Of a time zone that is nothing but an offset: microseconds. */
  private static Optional<Long> offset(Object zone) {
    return zone instanceof PyInstance instance
            && instance.kind() == PyInstance.Kind.REDUCE
            && instance.callable().equals(new PyGlobal(MODULE, "timezone"))
            && instance.args().size() > 0
            && instance.args().get(0) instanceof PyInstance offset
            && called(offset).equals("timedelta")
        ? duration(offset.args()).map(PythonTime::order)
        : Optional.empty();
  }

  private static Optional<PythonTime> duration(PyTuple args) {
    return args.size() == 3
            && args.get(0) instanceof Long days
            && args.get(1) instanceof Long seconds
            && args.get(2) instanceof Long micros
            && Math.abs(days) < Long.MAX_VALUE / DAY / 2
            && Math.abs(seconds) <= 86_400
            && Math.abs(micros) <= SECOND
        ? Optional.of(new PythonTime(Kind.DURATION, days * DAY + seconds * SECOND + micros))
        : Optional.empty();
  }

  /** A number that orders days; the highest bit of the month is none of its own. */
  private static long day(byte[] bytes) {
    int year = ByteBuffer.wrap(bytes).getShort(0) & 0xffff;
    int month = bytes[2] & 0x7f;
    return LocalDate.of(year, Math.clamp(month, 1, 12), 1).toEpochDay() + bytes[3];
  }

  /** The highest bit of the hour is none of its own, either. */
  private static long time(byte[] bytes, int at) {
    long seconds = (bytes[at] & 0x7f) * 3_600L + bytes[at + 1] * 60L + bytes[at + 2];
    int micros = ByteBuffer.wrap(bytes).getInt(at + 2) & 0xffffff;
    return seconds * SECOND + micros;
  }
}
