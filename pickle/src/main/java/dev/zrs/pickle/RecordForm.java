package dev.zrs.pickle;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.zip.DataFormatException;
import java.util.zip.Deflater;
import java.util.zip.Inflater;
import org.jspecify.annotations.Nullable;

/**
 * What storages around a file storage make of data records: {@code .z} and zlib data
 * (zc.zlibstorage), {@code .h} and hexadecimal digits (ZODB's hexstorage, which tests use). No
 * pickle begins with a point, so a record tells its form. Any thread may call.
 */
public final class RecordForm {
  /**
   * Bytes that a record may have, an eighth of the heap if that is less: zlib data can stand for a
   * thousand times as many as they are, and some copies are made.
   */
  public static final int MAX_PLAIN =
      (int) Math.min(256 << 20, Runtime.getRuntime().maxMemory() / 8);

  /** zc.zlibstorage leaves shorter ones alone. */
  private static final int SHORTEST_COMPRESSED = 21;

  private static final int PREFIX = 2;
  private static final int MAX_LAYERS = 4;
  private static final int CHUNK = 16 << 10;

  private RecordForm() {}

  /** Whether it is in one of the forms. */
  public static boolean isTransformed(byte[] record) {
    return isOf(record, 'z') || isOf(record, 'h');
  }

  private static boolean isOf(byte[] record, char form) {
    return record.length >= PREFIX && record[0] == '.' && record[1] == form;
  }

  /**
   * The two pickles, whatever form they have; the array itself if it has none.
   *
   * @throws PickleException if they can't be made out, or are longer than {@link #MAX_PLAIN}
   */
  public static byte[] plain(byte[] record) {
    return required(plainUpTo(record, MAX_PLAIN));
  }

  /**
   * The same, or null if they are compressed and, in one of their forms, longer than so many bytes;
   * no more memory is taken then.
   *
   * @throws PickleException if they can't be made out
   */
  public static byte @Nullable [] plainUpTo(byte[] record, int limit) {
    byte[] plain = record;
    for (int i = 0; plain != null && isTransformed(plain); i++) {
      checkLayers(i);
      plain = isOf(plain, 'z') ? inflated(plain, limit) : unhexed(plain);
    }
    return plain;
  }

  /**
   * The first bytes of the two pickles, at least so many if there are; the array itself if it has
   * no form. The record may be cut off, if what is there is enough.
   *
   * @throws PickleException if they can't be made out
   */
  public static byte[] start(byte[] record, int count) {
    byte[] start = record;
    for (int i = 0; isTransformed(start); i++) {
      checkLayers(i);
      // A form may be twice as long as what it stands for.
      int enough = (count + PREFIX) << (MAX_LAYERS - i);
      start = isOf(start, 'z') ? inflatedStart(start, enough) : unhexedStart(start, enough);
    }
    return start;
  }

  private static void checkLayers(int done) {
    if (done == MAX_LAYERS) {
      throw new PickleException("a record that was transformed more than four times");
    }
  }

  /**
   * One layer of compression less; the array itself if it is not compressed.
   *
   * @throws PickleException as {@link #plain}
   */
  public static byte[] decompressed(byte[] record) {
    return isOf(record, 'z') ? required(inflated(record, MAX_PLAIN)) : record;
  }

  private static byte[] required(byte @Nullable [] plain) {
    if (plain == null) {
      throw new PickleException("compressed data of more than " + MAX_PLAIN + " bytes");
    }
    return plain;
  }

  private static byte @Nullable [] inflated(byte[] record, int limit) {
    try (Inflater inflater = new Inflater()) {
      inflater.setInput(record, PREFIX, record.length - PREFIX);
      // One byte more shows that there is more.
      long most = limit + 1L;
      byte[] out = new byte[(int) Math.min(Math.max(4L * record.length, CHUNK), most)];
      int length = 0;
      while (!inflater.finished()) {
        if (length == out.length) {
          if (length > limit) {
            return null;
          }
          out = Arrays.copyOf(out, (int) Math.min(2L * length, most));
        }
        int count = inflater.inflate(out, length, out.length - length);
        if (count == 0 && (inflater.needsInput() || inflater.needsDictionary())) {
          throw new PickleException("compressed data that end too early");
        }
        length += count;
      }
      return length > limit ? null : length == out.length ? out : Arrays.copyOf(out, length);
    } catch (DataFormatException e) {
      throw new PickleException("compressed data that are none: " + e.getMessage());
    }
  }

  private static byte[] inflatedStart(byte[] record, int count) {
    try (Inflater inflater = new Inflater()) {
      inflater.setInput(record, PREFIX, record.length - PREFIX);
      byte[] out = new byte[count];
      int length = 0;
      int more = 1;
      while (more > 0 && length < count) {
        more = inflater.inflate(out, length, count - length);
        length += more;
      }
      return Arrays.copyOf(out, length);
    } catch (DataFormatException e) {
      throw new PickleException("compressed data that are none: " + e.getMessage());
    }
  }

  /**
   * Compressed as zc.zlibstorage does: not if it is short, or would not become shorter, or begins
   * as compressed data do; the array itself then. So is what is longer than {@link #MAX_PLAIN}.
   */
  public static byte[] compressed(byte[] record) {
    if (record.length < SHORTEST_COMPRESSED || record.length > MAX_PLAIN || isOf(record, 'z')) {
      return record;
    }
    try (Deflater deflater = new Deflater()) {
      deflater.setInput(record);
      deflater.finish();
      byte[] out = new byte[record.length];
      out[0] = '.';
      out[1] = 'z';
      int length = PREFIX;
      while (!deflater.finished() && length < out.length) {
        length += deflater.deflate(out, length, out.length - length);
      }
      return deflater.finished() && length < record.length ? Arrays.copyOf(out, length) : record;
    }
  }

  /**
   * In hexadecimal digits, as zc.zrs's hexstorage writes it; the array itself if it is so already.
   */
  public static byte[] hexed(byte[] record) {
    if (isOf(record, 'h')) {
      return record;
    }
    return (".h" + HexFormat.of().formatHex(record)).getBytes(StandardCharsets.ISO_8859_1);
  }

  /** A plain record in the form that another one has. */
  public static byte[] asForm(byte[] record, byte[] other) {
    if (isOf(other, 'h')) {
      return hexed(asForm(record, unhexed(other)));
    }
    return isOf(other, 'z') ? compressed(record) : record;
  }

  /**
   * One layer of digits less; the array itself if it has none.
   *
   * @throws PickleException if it can't be made out
   */
  public static byte[] unhexed(byte[] record) {
    return isOf(record, 'h') ? unhexed(record, record.length - PREFIX) : record;
  }

  private static byte[] unhexedStart(byte[] record, int count) {
    int digits = Math.min(record.length - PREFIX, 2 * count);
    return unhexed(record, digits & ~1);
  }

  private static byte[] unhexed(byte[] record, int digits) {
    try {
      return HexFormat.of()
          .parseHex(new String(record, PREFIX, digits, StandardCharsets.ISO_8859_1));
    } catch (IllegalArgumentException e) {
      throw new PickleException("hexadecimal data that are none");
    }
  }
}
